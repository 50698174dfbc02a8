/* test_token_model_build.c: models of made vocabularies against the definition: merges in their order, the highest scores
 * first; spaces, bytes, characters that are no token, and what is refused. */
#include "text/check_ids.h"

#include <stdio.h>

/* --- merges ----------------------------------------------------------------------------------------------------------- */

static void test_refused_merges(void **state) {
    const struct {
        fh_span merge;
        const char *part;
    } cases[] = {
        {FH_LIT(""), "expected two tokens"},
        {FH_LIT("he"), "expected two tokens"},
        {FH_LIT("h "), "expected two tokens"},
        {FH_LIT(" h"), "expected two tokens"},
        {FH_LIT(" "), "expected two tokens"},
        {FH_LIT("  "), "expected two tokens"},
        {FH_LIT("h zz"), "\"zz\" is not in the vocabulary"},
        {FH_LIT("zz h"), "\"zz\" is not in the vocabulary"},
        {FH_LIT("x y"), "\"xy\" is not in the vocabulary"},
        {FH_LIT("h  e"), "\" e\" is not in the vocabulary"},
        {FH_LIT("h e"), "is there twice"},
        {FH_LIT("c t"), "a token that is not text"},
        {FH_LIT("\xff \xff"), "not in the vocabulary"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made_vocab *m = made_bpe();
        made_merge(m, "h e");
        made_token(m, FH_LIT("ct"), FH_TOKEN_CONTROL, 0);
        made_raw_merge(m, cases[i].merge);
        fh_tokenizer *tok;
        fh_err err = {0};
        fh_assert_code(fh_tokenizer_new(fh_test_allocator(state), made_view(m), &tok, &err), FH_CORRUPT);
        fh_assert_err(&err, FH_CORRUPT, cases[i].part);
        fh_assert_err(&err, FH_CORRUPT, "merge 1");
    }
}

/* The order of merges decides, not the length of what they make. */
static void test_order(void **state) {
    made_vocab *m = made_bpe();
    uint32_t bc = made_merge(m, "b c"), ab = made_merge(m, "a b"), abc = made_merge(m, "ab c"), aa = made_merge(m, "a a");
    uint32_t abcd = made_token(m, FH_LIT("abcd"), FH_TOKEN_NORMAL, 0);
    (void)abc;
    fh_tokenizer *tok = accept(state, m);
    check_ids(state, tok, FH_LIT("abc"), (fh_encode_options){0}, IDS('a', bc));
    check_ids(state, tok, FH_LIT("abd"), (fh_encode_options){0}, IDS(ab, 'd'));
    check_ids(state, tok, FH_LIT("aaaaa"), (fh_encode_options){0}, IDS(aa, aa, 'a')); /* the leftmost first */
    check_ids(state, tok, FH_LIT("abcd"), (fh_encode_options){0}, IDS('a', bc, 'd'));
    check_ids(state, tok, FH_LIT(""), (fh_encode_options){0}, NULL, 0);
    fh_tokenizer_free(tok);
    /* … unless a whole piece that is a token is taken as it is. */
    m->vocab.ignore_merges = true;
    tok = accept(state, m);
    check_ids(state, tok, FH_LIT("abcd"), (fh_encode_options){0}, IDS(abcd));
    check_ids(state, tok, FH_LIT("abcde"), (fh_encode_options){0}, IDS('a', bc, 'd', 'e'));
    fh_tokenizer_free(tok);
}

/* Merging by the letter of the definition: look for the best pair, join it, begin again. */
static size_t by_merges(const made_vocab *m, const fh_tokenizer *tok, fh_span piece, uint32_t *out) {
    size_t n = 0;
    for (; n < piece.size; n++)
        out[n] = fh_span_at(piece, n);
    for (;;) {
        size_t best = SIZE_MAX, at = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            for (size_t r = 0; r < m->merge_count && r < best; r++) {
                fh_span merge = m->merges[r];
                size_t space = fh_span_find(merge, FH_LIT(" "), 1);
                if (fh_tokenizer_find(tok, fh_span_sub(merge, 0, space)) == out[i] &&
                    fh_tokenizer_find(tok, fh_span_from(merge, space + 1)) == out[i + 1]) {
                    best = r;
                    at = i;
                }
            }
        }
        if (best == SIZE_MAX)
            return n;
        fh_span merge = m->merges[best];
        size_t space = fh_span_find(merge, FH_LIT(" "), 1);
        uint8_t whole[256];
        memcpy(whole, merge.at, space);
        memcpy(whole + space, merge.at + space + 1, merge.size - space - 1);
        out[at] = fh_tokenizer_find(tok, (fh_span){whole, merge.size - 1});
        memmove(out + at + 1, out + at + 2, (n - at - 2) * sizeof *out);
        n--;
    }
}

/* Random vocabularies over four letters; words below and above the size at which the heap takes over. */
static void test_against_merges(void **state) {
    fh_test_rng rng = fh_test_rng_new(5);
    for (int round = 0; round < 120; round++) {
        made_vocab *m = made_bpe();
        for (size_t i = 0; i < 40; i++) {
            fh_span parts[2];
            for (size_t k = 0; k < 2; k++) {
                size_t made_later = m->token_count - 256, pick = fh_test_rng_below(&rng, made_later + 4);
                parts[k] = pick < 4 ? m->tokens['a' + pick] : m->tokens[256 + pick - 4];
            }
            char merge[128];
            if (parts[0].size + parts[1].size > 24)
                continue;
            snprintf(merge, sizeof merge, "%.*s %.*s", FH_SPAN_FMT(parts[0]), FH_SPAN_FMT(parts[1]));
            bool known = false;
            for (size_t t = 0; t < m->token_count; t++)
                known =
                    known || (m->tokens[t].size == parts[0].size + parts[1].size && fh_span_starts(m->tokens[t], parts[0]) &&
                              fh_span_equal(fh_span_from(m->tokens[t], parts[0].size), parts[1]));
            if (!known)
                made_merge(m, merge);
        }
        fh_tokenizer *tok = accept(state, m);
        for (int text = 0; text < 12; text++) {
            uint8_t word[120];
            uint32_t expected[120];
            size_t size = 1 + fh_test_rng_below(&rng, text % 2 ? 119 : 31);
            for (size_t i = 0; i < size; i++)
                word[i] = (uint8_t)('a' + fh_test_rng_below(&rng, 4));
            size_t n = by_merges(m, tok, (fh_span){word, size}, expected);
            check_ids(state, tok, (fh_span){word, size}, (fh_encode_options){0}, expected, n);
        }
        fh_tokenizer_free(tok);
    }
}

/* Any bytes come back as they were. */
static void test_round_trip(void **state) {
    made_vocab *m = made_bpe();
    made_merge(m, "h e");
    made_merge(m, "\xc4\xa0 he"); /* U+0120 is the space */
    made_merge(m, "\xc3\x83 \xc2\xa9");
    fh_tokenizer *tok = accept(state, m);
    fh_test_rng rng = fh_test_rng_new(6);
    for (int round = 0; round < 2000; round++) {
        uint8_t bytes[64];
        size_t size = fh_test_rng_below(&rng, sizeof bytes);
        for (size_t i = 0; i < size; i++)
            bytes[i] = round % 2 ? (uint8_t)fh_test_rng_next(&rng) : (uint8_t)" he\xc3\xa9\n1'"[fh_test_rng_below(&rng, 8)];
        fh_ids ids;
        fh_buf back;
        fh_ids_init(&ids, fh_test_allocator(state), 0);
        fh_buf_init(&back, fh_test_allocator(state), 0);
        fh_assert_ok(fh_tokenizer_encode(tok, (fh_span){bytes, size}, (fh_encode_options){0}, &ids, NULL));
        for (size_t i = 0; i < ids.count; i++)
            fh_assert_ok(fh_tokenizer_piece(tok, fh_u32s_get(fh_ids_view(&ids), i), i == 0, false, &back));
        assert_true(fh_span_equal(fh_buf_view(&back), (fh_span){bytes, size}));
        fh_ids_deinit(&ids);
        fh_buf_deinit(&back);
    }
    fh_tokenizer_free(tok);
}

/* A megabyte without a cut: quadratic work would take hours. */
static void test_long_piece(void **state) {
    made_vocab *m = made_bpe();
    uint32_t top = made_merge(m, "a a");
    made_merge(m, "aa aa");
    top = made_merge(m, "aaaa aaaa");
    static uint8_t text[1 << 20];
    memset(text, 'a', sizeof text);
    fh_tokenizer *tok = accept(state, m);
    fh_ids ids;
    fh_ids_init(&ids, fh_test_allocator(state), 0);
    fh_assert_ok(fh_tokenizer_encode(tok, (fh_span){text, sizeof text}, (fh_encode_options){0}, &ids, NULL));
    assert_int_equal(ids.count, sizeof text / 8);
    for (size_t i = 0; i < ids.count; i++)
        assert_int_equal(fh_u32s_get(ids.items, i), top);
    fh_ids_deinit(&ids);
    fh_tokenizer_free(tok);
}

/* --- scores ----------------------------------------------------------------------------------------------------------- */

static uint32_t piece(made_vocab *m, const char *spelling, float score) {
    return made_token(m, fh_span_of_str(spelling), FH_TOKEN_NORMAL, score);
}

#define SPACE "\xe2\x96\x81"
#define PLAIN (fh_encode_options){0}

static void test_scores_decide(void **state) {
    made_vocab *m = made_spm();
    uint32_t space = piece(m, SPACE, -9), a = piece(m, "a", -9), b = piece(m, "b", -9), c = piece(m, "c", -9);
    uint32_t ab = piece(m, "ab", -2), bc = piece(m, "bc", -1), aa = piece(m, "aa", -1), zero = piece(m, "ca", 0.0f);
    uint32_t minus_zero = piece(m, "ac", -0.0f);
    (void)b;
    fh_tokenizer *tok = accept(state, m);
    check_ids(state, tok, FH_LIT("abc"), PLAIN, IDS(space, a, bc)); /* the higher score first */
    check_ids(state, tok, FH_LIT("ab"), PLAIN, IDS(space, ab));
    check_ids(state, tok, FH_LIT("aaa"), PLAIN, IDS(space, aa, a));   /* equal scores: the leftmost */
    check_ids(state, tok, FH_LIT("cac"), PLAIN, IDS(space, zero, c)); /* 0 and −0 are one score */
    check_ids(state, tok, FH_LIT("aca"), PLAIN, IDS(space, minus_zero, a));
    fh_tokenizer_free(tok);
}

static void test_spaces(void **state) {
    made_vocab *m = made_spm();
    uint32_t space = piece(m, SPACE, -5), two = piece(m, SPACE SPACE, -1), a = piece(m, "a", -5),
             word = piece(m, SPACE "a", -2);
    uint32_t user = made_token(m, FH_LIT("<u>"), FH_TOKEN_USER, 0);
    fh_tokenizer *tok = accept(state, m);
    check_ids(state, tok, FH_LIT(""), PLAIN, NULL, 0);
    check_ids(state, tok, FH_LIT("a"), PLAIN, IDS(word));
    check_ids(state, tok, FH_LIT("a a"), PLAIN, IDS(word, word));
    check_ids(state, tok, FH_LIT(" a"), PLAIN, IDS(two, a));
    check_ids(state, tok, FH_LIT("a  a"), PLAIN, IDS(word, two, a));
    check_ids(state, tok, FH_LIT("a "), PLAIN, IDS(word, space));
    check_ids(state, tok, FH_LIT(SPACE "a"), PLAIN, IDS(two, a)); /* the mark in text is a space */
    /* Each text after a special token gets the space again. */
    check_ids(state, tok, FH_LIT("a<u>a<u>"), PLAIN, IDS(word, user, word, user));
    check_ids(state, tok, FH_LIT("a"), (fh_encode_options){.add_special = true}, IDS(1, word));
    check_ids(state, tok, FH_LIT(""), (fh_encode_options){.add_special = true}, IDS(1));
    fh_tokenizer_free(tok);
    m->vocab.add_space_prefix = false;
    m->vocab.add_eos = true;
    tok = accept(state, m);
    check_ids(state, tok, FH_LIT("a a"), PLAIN, IDS(a, word));
    check_ids(state, tok, FH_LIT("a"), (fh_encode_options){.add_special = true}, IDS(1, a, 2));
    fh_tokenizer_free(tok);
}

static void test_bytes(void **state) {
    made_vocab *m = made_spm();
    uint32_t space = piece(m, SPACE, -5), e = piece(m, "\xc3\xa9", -5);
    fh_tokenizer *tok = accept(state, m);
    check_ids(state, tok, FH_LIT("\xc3\xa9x"), PLAIN, IDS(space, e, 'x' + 3));
    check_ids(state, tok, FH_LIT("\xe2\x82\xac"), PLAIN, IDS(space, 0xe2 + 3, 0x82 + 3, 0xac + 3));
    check_ids(state, tok, FH_LIT("\xff\xc3"), PLAIN, IDS(space, 0xff + 3, 0xc3 + 3)); /* no UTF-8 */
    check_ids(state, tok, FH_LIT("<0x41>"), PLAIN, IDS(space, '<' + 3, '0' + 3, 'x' + 3, '4' + 3, '1' + 3, '>' + 3));
    fh_tokenizer_free(tok);
    /* A character that lacks a byte is one unknown token. */
    m->types[0xac + 3] = FH_TOKEN_UNUSED;
    tok = accept(state, m);
    check_ids(state, tok, FH_LIT("\xe2\x82\xac"), PLAIN, IDS(space, 0));
    fh_tokenizer_free(tok);
    /* A vocabulary without types: byte tokens are known by their spelling. */
    fh_vocab v = *made_view(m);
    v.types = (fh_u32s){NULL, 0};
    fh_assert_ok(fh_tokenizer_new(fh_test_allocator(state), &v, &tok, NULL));
    check_ids(state, tok, FH_LIT("\xe2\x82\xac"), PLAIN, IDS(space, 0xe2 + 3, 0x82 + 3, 0xac + 3));
    fh_tokenizer_free(tok);
}

/* Control tokens have spellings that merging could reach, one letter at a time; it must not. */
static void test_no_control_from_merging(void **state) {
    made_vocab *m = made_spm();
    uint32_t space = piece(m, SPACE, -5), lt = piece(m, "<", -5), s = piece(m, "s", -5), gt = piece(m, ">", -5);
    uint32_t half = piece(m, "<s", -1);
    (void)lt, (void)s;
    fh_tokenizer *tok = accept(state, m);
    check_ids(state, tok, FH_LIT("<s>"), PLAIN, IDS(space, half, gt));
    check_ids(state, tok, FH_LIT("<s>"), (fh_encode_options){.parse_special = true}, IDS(1));
    fh_tokenizer_free(tok);
}

static void test_pieces(void **state) {
    made_vocab *m = made_spm();
    uint32_t word = piece(m, SPACE "a" SPACE, -2), user = made_token(m, FH_LIT(SPACE "u"), FH_TOKEN_USER, 0);
    fh_tokenizer *tok = accept(state, m);
    const struct {
        uint32_t id;
        bool first, control;
        const char *text;
    } cases[] = {
        {word, false, false, " a "}, {word, true, false, "a "},    {user, true, false, SPACE "u"}, {1, false, false, ""},
        {1, false, true, "<s>"},     {0, false, false, ""},        {0, false, true, "<unk>"},      {'A' + 3, true, false, "A"},
        {' ' + 3, true, false, ""},  {' ' + 3, false, false, " "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_buf out;
        fh_buf_init(&out, fh_test_allocator(state), 0);
        fh_assert_ok(fh_tokenizer_piece(tok, cases[i].id, cases[i].first, cases[i].control, &out));
        fh_assert_span(fh_buf_view(&out), cases[i].text);
        fh_buf_deinit(&out);
    }
    fh_buf out;
    fh_buf_init(&out, fh_test_allocator(state), 0);
    fh_assert_code(fh_tokenizer_piece(tok, fh_tokenizer_size(tok), false, true, &out), FH_INVALID);
    fh_assert_code(fh_tokenizer_piece(tok, FH_NO_TOKEN, false, true, &out), FH_INVALID);
    fh_tokenizer_free(tok);
}

/* The definition: join the two neighbours whose text is the token of the highest score, the leftmost among equals. */
static size_t by_scores(const made_vocab *m, const fh_tokenizer *tok, fh_span text, uint32_t *out) {
    struct {
        size_t at, size;
    } s[256];
    size_t n = 0;
    for (size_t at = 0; at < text.size; n++) {
        s[n].at = at;
        s[n].size = fh_utf8_next(text, at).size;
        at += s[n].size;
    }
    for (;;) {
        size_t best = SIZE_MAX;
        float score = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            uint32_t id = fh_tokenizer_find(tok, fh_span_sub(text, s[i].at, s[i].size + s[i + 1].size));
            if (id != FH_NO_TOKEN && (best == SIZE_MAX || m->scores[id] > score)) {
                best = i;
                score = m->scores[id];
            }
        }
        if (best == SIZE_MAX)
            break;
        s[best].size += s[best + 1].size;
        memmove(s + best + 1, s + best + 2, (n - best - 2) * sizeof *s);
        n--;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = fh_tokenizer_find(tok, fh_span_sub(text, s[i].at, s[i].size));
    return n;
}

/* Random vocabularies with few distinct scores, with and without tokens that cross a word's start. */
static void test_against_scores(void **state) {
    static const char *const letters[] = {SPACE, "a", "b", "\xc3\xa9"};
    fh_test_rng rng = fh_test_rng_new(7);
    for (int round = 0; round < 200; round++) {
        made_vocab *m = made_spm();
        m->vocab.add_space_prefix = false;
        for (size_t i = 0; i < 4; i++)
            piece(m, letters[i], -20);
        for (size_t i = 0; i < 30; i++) {
            char spelling[64] = "";
            for (size_t k = 2 + fh_test_rng_below(&rng, 4); k > 0; k--) {
                /* In half of the rounds the space only begins a token. */
                size_t from = round % 2 && spelling[0] ? 1 : 0;
                strcat(spelling, letters[from + fh_test_rng_below(&rng, 4 - from)]);
            }
            bool known = false;
            for (size_t t = 0; t < m->token_count; t++)
                known = known || fh_span_is(m->tokens[t], spelling);
            if (!known)
                piece(m, spelling, -(float)fh_test_rng_below(&rng, 6));
        }
        fh_tokenizer *tok = accept(state, m);
        for (int text = 0; text < 20; text++) {
            char raw[300] = "", marked[600] = "";
            for (size_t k = 1 + fh_test_rng_below(&rng, text % 2 ? 80 : 20); k > 0; k--) {
                size_t pick = fh_test_rng_below(&rng, 4);
                strcat(raw, pick == 0 ? " " : letters[pick]);
                strcat(marked, letters[pick]);
            }
            uint32_t expected[256];
            size_t n = by_scores(m, tok, fh_span_of_str(marked), expected);
            check_ids(state, tok, fh_span_of_str(raw), PLAIN, expected, n);
        }
        fh_tokenizer_free(tok);
    }
}

/* Half a megabyte that cannot be cut into words: quadratic work would take hours. */
static void test_long_text(void **state) {
    static uint8_t text[1 << 19];
    static const char *const units[] = {"a", " ", "ab "};
    made_vocab *m = made_spm();
    piece(m, "a", -3), piece(m, "aa", -2), piece(m, "aaaa", -1), piece(m, SPACE, -3), piece(m, SPACE SPACE, -2);
    piece(m, "a" SPACE "a", -9); /* crosses a word's start */
    fh_tokenizer *tok = accept(state, m);
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        fh_span unit = fh_span_of_str(units[u]);
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = fh_span_at(unit, i % unit.size);
        fh_ids ids;
        fh_ids_init(&ids, fh_test_allocator(state), 0);
        fh_assert_ok(fh_tokenizer_encode(tok, (fh_span){text, sizeof text}, PLAIN, &ids, NULL));
        assert_true(ids.count >= sizeof text / 4);
        fh_ids_deinit(&ids);
    }
    fh_tokenizer_free(tok);
}

/* A character that is no token joins where a token is made of it, and becomes its bytes where nothing joins it; even if a
 * control token has its spelling. Other characters join nothing. */
static void test_characters_that_are_no_token(void **state) {
    made_vocab *m = made_spm();
    m->vocab.add_space_prefix = false;
    uint32_t a = piece(m, "a", -9), ae = piece(m, "a\xc3\xa9", -3), ee = piece(m, "\xc3\xa9\xc3\xa9", -2);
    uint32_t xa = piece(m, "xa", -4), x = made_token(m, FH_LIT("x"), FH_TOKEN_CONTROL, 0);
    fh_tokenizer *tok = accept(state, m);
    check_ids(state, tok, FH_LIT("a\xc3\xa9"), PLAIN, IDS(ae));
    check_ids(state, tok, FH_LIT("a\xc3\xa9\xc3\xa9"), PLAIN, IDS(a, ee));
    check_ids(state, tok, FH_LIT("\xc3\xa9"), PLAIN, IDS(0xc3 + 3, 0xa9 + 3));
    check_ids(state, tok, FH_LIT("xax"), PLAIN, IDS(xa, 'x' + 3));
    check_ids(state, tok, FH_LIT("xa"), (fh_encode_options){.parse_special = true}, IDS(x, a));
    check_ids(state, tok, FH_LIT("aya"), PLAIN, IDS(a, 'y' + 3, a));
    assert_int_equal(fh_tokenizer_find(tok, FH_LIT("\xc3\xa9")), FH_NO_TOKEN);
    assert_int_equal(fh_tokenizer_find(tok, FH_LIT("x")), x);
    assert_int_equal(fh_tokenizer_size(tok), m->token_count);
    fh_span none;
    fh_assert_code(fh_tokenizer_token(tok, (uint32_t)m->token_count, &none), FH_INVALID);
    fh_tokenizer_free(tok);
}

/* A byte that has no token, or only one that is no text, becomes the unknown one, and joins nothing, though merges may know
 * that token; a piece that is a control token's spelling is text. */
static void test_unknown_joins_nothing(void **state) {
    made_vocab *m = made_bpe();
    m->vocab.unk = 'u';
    made_merge(m, "u a");
    m->tokens['q'] = FH_LIT("something else");
    fh_tokenizer *tok = accept(state, m);
    check_ids(state, tok, FH_LIT("qa"), PLAIN, IDS('u', 'a'));
    fh_tokenizer_free(tok);
    m->types['z'] = FH_TOKEN_CONTROL;
    m->vocab.ignore_merges = true;
    made_token(m, FH_LIT("ctl"), FH_TOKEN_CONTROL, 0);
    tok = accept(state, m);
    check_ids(state, tok, FH_LIT("z"), PLAIN, IDS('u'));
    check_ids(state, tok, FH_LIT("ctl"), PLAIN, IDS('c', 't', 'l'));
    fh_tokenizer_free(tok);
}

/* Tokens that are cut everywhere are short. */
static void test_long_scored_token(void **state) {
    static uint8_t spelling[513];
    memset(spelling, 'a', sizeof spelling);
    made_vocab *m = made_spm();
    made_token(m, (fh_span){spelling, 512}, FH_TOKEN_NORMAL, -1);
    fh_tokenizer_free(accept(state, m));
    made_token(m, (fh_span){spelling, 513}, FH_TOKEN_NORMAL, -1);
    fh_tokenizer *tok;
    fh_err err = {0};
    fh_assert_code(fh_tokenizer_new(fh_test_allocator(state), made_view(m), &tok, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "token 260 has 513 bytes");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_refused_merges),
        FH_TEST_ALLOC(test_order),
        FH_TEST_ALLOC(test_against_merges),
        FH_TEST_ALLOC(test_round_trip),
        FH_TEST_ALLOC(test_long_piece),
        FH_TEST_ALLOC(test_scores_decide),
        FH_TEST_ALLOC(test_spaces),
        FH_TEST_ALLOC(test_bytes),
        FH_TEST_ALLOC(test_no_control_from_merging),
        FH_TEST_ALLOC(test_pieces),
        FH_TEST_ALLOC(test_against_scores),
        FH_TEST_ALLOC(test_long_text),
        FH_TEST_ALLOC(test_characters_that_are_no_token),
        FH_TEST_ALLOC(test_unknown_joins_nothing),
        FH_TEST_ALLOC(test_long_scored_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
