/* test_bpe.c: byte-level BPE against the definition, on made vocabularies; merges that are refused. */
#include "text/check_ids.h"
#include "text/tokenizer_impl.h"

#include <stdio.h>

static void test_alphabet(void **state) {
    (void)state;
    for (unsigned b = 0; b < 256; b++) {
        uint8_t letter[4], expected[4];
        size_t size = made_letter(b, expected);
        assert_int_equal(fh_utf8_put(fh_alphabet_code((uint8_t)b), letter), size);
        assert_memory_equal(letter, expected, size);
        assert_int_equal(fh_alphabet_byte(fh_alphabet_code((uint8_t)b)), b);
    }
    size_t letters = 0;
    for (uint32_t code = 0; code < 0x400; code++)
        letters += fh_alphabet_byte(code) >= 0;
    assert_int_equal(letters, 256);
    assert_int_equal(fh_alphabet_byte(0xfffd), -1);
}

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
static size_t by_definition(const made_vocab *m, const fh_tokenizer *tok, fh_span piece, uint32_t *out) {
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
static void test_against_definition(void **state) {
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
            size_t n = by_definition(m, tok, (fh_span){word, size}, expected);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alphabet),        FH_TEST_ALLOC(test_refused_merges), FH_TEST_ALLOC(test_order),
        FH_TEST_ALLOC(test_against_definition), FH_TEST_ALLOC(test_round_trip),     FH_TEST_ALLOC(test_long_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
