/* test_vocab.c: what makes a vocabulary acceptable, the questions its tokenizer answers, special tokens in text, and the limits
 * of a call. */
#include "text/check_ids.h"

#include <math.h>

/* A vocabulary that must be refused, with the code and a part of the message. */
static void refuse(void **state, made_vocab *m, fh_code code, const char *part) {
    fh_tokenizer *tok;
    fh_err err = {0};
    fh_assert_code(fh_tokenizer_new(fh_test_allocator(state), made_view(m), &tok, &err), code);
    assert_null(tok);
    fh_assert_err(&err, code, part);
}

static void test_counts(void **state) {
    made_vocab *m = made_bpe();
    m->token_count = 0;
    refuse(state, m, FH_CORRUPT, "0 tokens");

    m = made_spm();
    fh_vocab v = *made_view(m);
    fh_tokenizer *tok;
    fh_err err = {0};
    v.types.count--;
    fh_assert_code(fh_tokenizer_new(fh_test_allocator(state), &v, &tok, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "token types");
    v = *made_view(m);
    v.scores.count--;
    fh_err_clear(&err);
    fh_assert_code(fh_tokenizer_new(fh_test_allocator(state), &v, &tok, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "scores");
}

static void test_too_many_tokens(void **state) {
    fh_views tokens;
    fh_allocator *a = fh_test_allocator(state);
    fh_assert_ok(fh_views_new(a, (size_t)FH_VOCAB_MAX + 1, &tokens));
    fh_vocab v = {.kind = FH_VOCAB_BPE_BYTES, .tokens = tokens, .bos = FH_NO_TOKEN, .eos = FH_NO_TOKEN, .unk = FH_NO_TOKEN};
    fh_tokenizer *tok;
    fh_err err = {0};
    fh_assert_code(fh_tokenizer_new(a, &v, &tok, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "1048577 tokens");
    fh_err_clear(&err);
    v.tokens.count--; /* one more symbol is needed */
    fh_assert_code(fh_tokenizer_new(a, &v, &tok, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "1048576 tokens and 1 symbols");
    v.tokens.count++;
    fh_views_free(a, &tokens);
}

static void test_special_ids(void **state) {
    for (int which = 0; which < 3; which++) {
        made_vocab *m = made_bpe();
        uint32_t *id = which == 0 ? &m->vocab.bos : which == 1 ? &m->vocab.eos : &m->vocab.unk;
        *id = 255;
        fh_tokenizer_free(accept(state, m));
        *id = 256; /* the first id outside */
        refuse(state, m, FH_CORRUPT, "token is 256, but there are 256");
        *id = INT32_MAX;
        refuse(state, m, FH_CORRUPT, "token is 2147483647");
        *id = UINT32_MAX - 1;
        refuse(state, m, FH_CORRUPT, "token is 4294967294");
    }
    made_vocab *m = made_bpe();
    m->vocab.add_bos = true;
    refuse(state, m, FH_CORRUPT, "asks for a beginning-of-text token");
    m = made_bpe();
    m->vocab.add_eos = true;
    refuse(state, m, FH_CORRUPT, "asks for a end-of-text token");
}

static void test_types(void **state) {
    static const uint32_t bad[] = {0, 7, 255, INT32_MAX, UINT32_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        made_vocab *m = made_bpe();
        m->types[17] = bad[i];
        refuse(state, m, FH_CORRUPT, "token 17 has type");
    }
}

static void test_scores(void **state) {
    made_vocab *m = made_spm();
    m->scores[100] = (float)NAN;
    refuse(state, m, FH_CORRUPT, "score of token 100");
    m = made_spm();
    m->scores[100] = -(float)INFINITY; /* an order all the same */
    fh_tokenizer_free(accept(state, m));
}

/* Every malformed spelling of a byte. */
static void test_byte_tokens(void **state) {
    static const char *const bad[] = {"<0x-1>", "<0xZZ>", "<0x>",   "<0x1>",  "<0x100>", "<0xab>", "<0X41>",
                                      "<0x41",  "0x41>",  "<0x 1>", "<0x+1>", "<0x41>>", "<0x41]", "A",      "<0x4\xc3\xa9"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        made_vocab *m = made_spm();
        made_token(m, fh_span_of_str(bad[i]), FH_TOKEN_BYTE, 0);
        refuse(state, m, FH_CORRUPT, "byte token 259");
        m = made_bpe();
        made_token(m, fh_span_of_str(bad[i]), FH_TOKEN_BYTE, 0);
        refuse(state, m, FH_CORRUPT, "byte token 256");
    }
}

static void test_spellings(void **state) {
    made_vocab *m = made_bpe();
    made_token(m, FH_LIT("a\xff"), FH_TOKEN_NORMAL, 0);
    refuse(state, m, FH_CORRUPT, "token 256 is not UTF-8");
    m = made_bpe();
    made_token(m, FH_LIT("twice"), FH_TOKEN_NORMAL, 0);
    made_token(m, FH_LIT("twice"), FH_TOKEN_CONTROL, 0);
    refuse(state, m, FH_CORRUPT, "tokens 256 and 257 are both \"twice\"");
    /* Empty spellings are no text: they may be there, even more than once, and nothing becomes them. */
    m = made_bpe();
    uint32_t empty = made_token(m, FH_LIT(""), FH_TOKEN_NORMAL, 0);
    made_token(m, FH_LIT(""), FH_TOKEN_CONTROL, 0);
    made_token(m, FH_LIT(""), FH_TOKEN_USER, 0);
    fh_tokenizer *tok = accept(state, m);
    assert_int_equal(fh_tokenizer_find(tok, FH_LIT("")), FH_NO_TOKEN);
    fh_buf out;
    fh_buf_init(&out, fh_test_allocator(state), 0);
    fh_assert_ok(fh_tokenizer_piece(tok, empty, true, true, &out));
    assert_int_equal(out.size, 0);
    fh_buf_deinit(&out);
    fh_tokenizer_free(tok);
    /* A message shows a hostile spelling without its control characters. */
    m = made_bpe();
    made_token(m, FH_LIT("\x1b[31m"), FH_TOKEN_NORMAL, 0);
    made_token(m, FH_LIT("\x1b[31m"), FH_TOKEN_NORMAL, 0);
    refuse(state, m, FH_CORRUPT, "\\x1b[31m");
}

static void test_long_special_tokens(void **state) {
    uint8_t spelling[4097];
    memset(spelling, '<', sizeof spelling);
    made_vocab *m = made_bpe();
    made_token(m, (fh_span){spelling, 4097}, FH_TOKEN_CONTROL, 0);
    refuse(state, m, FH_LIMIT, "special token 256 has 4097 bytes");
    m = made_bpe();
    made_token(m, (fh_span){spelling, 4096}, FH_TOKEN_CONTROL, 0);
    fh_tokenizer_free(accept(state, m));
}

/* A byte without a token: refused, or the unknown token where there is one. */
static void test_unreachable_bytes(void **state) {
    for (int kind = 0; kind < 2; kind++) {
        made_vocab *m = kind == 0 ? made_bpe() : made_spm();
        uint32_t id = kind == 0 ? 'q' : 'q' + 3;
        m->tokens[id] = FH_LIT("something else");
        m->types[id] = FH_TOKEN_NORMAL;
        m->vocab.unk = FH_NO_TOKEN;
        refuse(state, m, FH_CORRUPT, "no token stands for byte 0x71");
        m->vocab.unk = 5;
        fh_tokenizer *tok = accept(state, m);
        fh_ids ids;
        fh_ids_init(&ids, fh_test_allocator(state), 0);
        fh_assert_ok(fh_tokenizer_encode(tok, FH_LIT("qq"), (fh_encode_options){0}, &ids, NULL));
        fh_u32s view = fh_ids_view(&ids);
        assert_true(view.count >= 2);
        assert_int_equal(fh_u32s_get(view, view.count - 1), 5);
        assert_int_equal(fh_u32s_get(view, view.count - 2), 5);
        fh_ids_deinit(&ids);
        fh_tokenizer_free(tok);
    }
}

static void test_questions(void **state) {
    made_vocab *m = made_bpe();
    uint32_t eos = made_token(m, FH_LIT("<eos>"), FH_TOKEN_CONTROL, 0);
    uint32_t im_end = made_token(m, FH_LIT("<|im_end|>"), FH_TOKEN_CONTROL, 0);
    uint32_t eot = made_token(m, FH_LIT("<|eot_id|>"), FH_TOKEN_CONTROL, 0);
    uint32_t end = made_token(m, FH_LIT("<|end|>"), FH_TOKEN_CONTROL, 0);
    uint32_t endoftext = made_token(m, FH_LIT("<|endoftext|>"), FH_TOKEN_CONTROL, 0);
    m->vocab.eos = eos;
    fh_tokenizer *tok = accept(state, m);
    assert_int_equal(fh_tokenizer_size(tok), 261);
    assert_int_equal(fh_tokenizer_eos(tok), eos);
    assert_int_equal(fh_tokenizer_bos(tok), FH_NO_TOKEN);
    const uint32_t ends[] = {eos, im_end, eot, end, endoftext};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        assert_true(fh_tokenizer_is_end(tok, ends[i]));
    assert_false(fh_tokenizer_is_end(tok, 'a'));
    assert_false(fh_tokenizer_is_end(tok, 261));
    assert_false(fh_tokenizer_is_end(tok, FH_NO_TOKEN));
    for (uint32_t id = 0; id < 261; id++) {
        fh_span spelling;
        fh_assert_ok(fh_tokenizer_token(tok, id, &spelling));
        assert_int_equal(fh_tokenizer_find(tok, spelling), id);
    }
    fh_span none;
    fh_assert_code(fh_tokenizer_token(tok, 261, &none), FH_INVALID);
    assert_int_equal(none.size, 0);
    assert_int_equal(fh_tokenizer_find(tok, FH_LIT("<eos")), FH_NO_TOKEN);
    fh_tokenizer_free(tok);
    fh_tokenizer_free(NULL);
}

/* Spans are copied: the file may go away. */
static void test_copies(void **state) {
    made_vocab *m = made_bpe();
    uint32_t he = made_merge(m, "h e");
    fh_tokenizer *tok = accept(state, m);
    memset(m, 0xee, sizeof *m);
    fh_ids ids;
    fh_ids_init(&ids, fh_test_allocator(state), 0);
    fh_assert_ok(fh_tokenizer_encode(tok, FH_LIT("he"), (fh_encode_options){0}, &ids, NULL));
    assert_int_equal(fh_u32s_get(fh_ids_view(&ids), 0), he);
    fh_ids_deinit(&ids);
    fh_tokenizer_free(tok);
}

static fh_status build_body(fh_allocator *a, void *arg) {
    fh_tokenizer *tok;
    FH_TRY(fh_tokenizer_new(a, arg, &tok, NULL));
    fh_ids ids;
    fh_ids_init(&ids, a, 0);
    fh_status s =
        fh_tokenizer_encode(tok, FH_LIT("he said <ctl> hello, and a long word: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                            (fh_encode_options){.add_special = true, .parse_special = true}, &ids, NULL);
    assert_true(s.code == FH_OK || ids.count == 0);
    fh_ids_deinit(&ids);
    fh_tokenizer_free(tok);
    return s;
}

static void test_no_memory(void **state) {
    for (int kind = 0; kind < 2; kind++) {
        made_vocab *m = kind == 0 ? made_bpe() : made_spm();
        made_merge(m, "h e");
        if (kind == 1)
            m->merge_count = 0;
        made_token(m, FH_LIT("<ctl>"), FH_TOKEN_CONTROL, 0);
        fh_vocab v = *made_view(m);
        assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), build_body, &v) >= 6);
    }
}

/* Memory stays within a constant times the vocabulary's size. */
static void test_memory_bound(void **state) {
    made_vocab *m = made_bpe();
    uint8_t spelling[480];
    memset(spelling, 'x', sizeof spelling);
    for (size_t i = 0; i < 200; i++) {
        spelling[i] = 'y';
        made_token(m, (fh_span){spelling, sizeof spelling}, FH_TOKEN_CONTROL, 0);
    }
    fh_tokenizer_free(accept(state, m));
    uint64_t given = m->used + m->token_count * (sizeof(fh_span) + 8);
    assert_true(fh_trace_stats(fh_test_trace(state)).peak_bytes < 100 * given);
}

/* The most rules that so few bytes can ask for: every stretch of a text is a token, so each may be cut everywhere. */
static void test_rules_memory(void **state) {
    made_vocab *m = made_spm();
    uint8_t text[80];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(' ' + 1 + i);
    for (size_t from = 0; from < sizeof text; from++)
        for (size_t to = from + 1; to <= sizeof text; to++)
            made_token(m, (fh_span){text + from, to - from}, FH_TOKEN_NORMAL, -(float)to);
    fh_tokenizer_free(accept(state, m));
    assert_true(fh_trace_stats(fh_test_trace(state)).peak_bytes < 64 * m->used + (1 << 20));
}

static void test_names(void **state) {
    (void)state;
    fh_pretok p;
    assert_true(fh_pretok_of_name(FH_LIT("gpt-2"), &p) && p == FH_PRETOK_GPT2);
    assert_true(fh_pretok_of_name(FH_LIT("olmo"), &p) && p == FH_PRETOK_GPT2);
    assert_true(fh_pretok_of_name(FH_LIT("llama-bpe"), &p) && p == FH_PRETOK_LLAMA3);
    assert_true(fh_pretok_of_name(FH_LIT("qwen2"), &p) && p == FH_PRETOK_QWEN2);
    const fh_span unknown[] = {FH_LIT(""),       FH_LIT("default"), FH_LIT("qwen35"),
                               FH_LIT("gpt-2 "), FH_LIT("gpt-4o"),  FH_LIT("starcoder")};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_false(fh_pretok_of_name(unknown[i], &p));
}

/* --- text ------------------------------------------------------------------------------------------------------------- */

#define PLAIN (fh_encode_options){0}
#define TRUSTED               \
    (fh_encode_options) {     \
        .parse_special = true \
    }

static void test_special(void **state) {
    made_vocab *m = made_bpe();
    uint32_t ctl = made_token(m, FH_LIT("<c>"), FH_TOKEN_CONTROL, 0), user = made_token(m, FH_LIT("<u>"), FH_TOKEN_USER, 0);
    uint32_t longer = made_token(m, FH_LIT("<u>!"), FH_TOKEN_USER, 0), overlap = made_token(m, FH_LIT("!<c"), FH_TOKEN_USER, 0);
    uint32_t longest = made_token(m, FH_LIT("<u>!!!"), FH_TOKEN_CONTROL, 0);
    fh_tokenizer *tok = accept(state, m);
    check_ids(state, tok, FH_LIT("a<u>b"), PLAIN, IDS('a', user, 'b'));
    check_ids(state, tok, FH_LIT("a<c>b"), PLAIN, IDS('a', '<', 'c', '>', 'b'));
    check_ids(state, tok, FH_LIT("a<c>b"), TRUSTED, IDS('a', ctl, 'b'));
    check_ids(state, tok, FH_LIT("<u><u>"), PLAIN, IDS(user, user));
    check_ids(state, tok, FH_LIT("<u>!"), PLAIN, IDS(longer));         /* the longest */
    check_ids(state, tok, FH_LIT("<u>!!"), TRUSTED, IDS(longer, '!')); /* a longer one that does not fit */
    check_ids(state, tok, FH_LIT("<u>!!!"), TRUSTED, IDS(longest));
    check_ids(state, tok, FH_LIT("<u>!!!"), PLAIN, IDS(longer, '!', '!')); /* a longer one that is not trusted */
    check_ids(state, tok, FH_LIT("<u>!<c>"), TRUSTED, IDS(longer, ctl));   /* the leftmost first */
    check_ids(state, tok, FH_LIT("!<c>"), TRUSTED, IDS(overlap, '>'));
    check_ids(state, tok, FH_LIT("<u"), PLAIN, IDS('<', 'u'));
    fh_tokenizer_free(tok);
}

/* A text made of the longest almost-match at every place costs at most as many steps as the token has bytes for a byte. */
static void test_near_misses(void **state) {
    static uint8_t text[1 << 18];
    memset(text, '<', sizeof text);
    made_vocab *m = made_bpe();
    uint8_t spelling[512];
    memset(spelling, '<', sizeof spelling);
    spelling[511] = '>';
    made_token(m, (fh_span){spelling, sizeof spelling}, FH_TOKEN_USER, 0);
    made_merge(m, "< <");
    fh_tokenizer *tok = accept(state, m);
    fh_ids ids;
    fh_ids_init(&ids, fh_test_allocator(state), 0);
    fh_assert_ok(fh_tokenizer_encode(tok, (fh_span){text, sizeof text}, PLAIN, &ids, NULL));
    assert_int_equal(ids.count, sizeof text / 2);
    fh_ids_deinit(&ids);
    fh_tokenizer_free(tok);
}

static void test_limits(void **state) {
    made_vocab *m = made_bpe();
    fh_tokenizer *tok = accept(state, m);
    fh_ids ids;
    fh_err err = {0};
    fh_ids_init(&ids, fh_test_allocator(state), 5);
    fh_assert_ok(fh_tokenizer_encode(tok, FH_LIT("abc"), PLAIN, &ids, &err));
    fh_assert_code(fh_tokenizer_encode(tok, FH_LIT("abc"), PLAIN, &ids, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "more than 5 tokens");
    assert_int_equal(ids.count, 3);
    fh_assert_ok(fh_tokenizer_encode(tok, FH_LIT("de"), PLAIN, &ids, NULL));
    assert_int_equal(fh_u32s_get(fh_ids_view(&ids), 4), 'e');
    /* A length that no offset could hold is refused before a byte is read. */
    static const uint8_t byte = 'a';
    fh_err_clear(&err);
    fh_assert_code(fh_tokenizer_encode(tok, (fh_span){&byte, (size_t)1 << 40}, PLAIN, &ids, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "at most 1073741824");
    assert_int_equal(ids.count, 5);
    fh_ids_deinit(&ids);
    fh_tokenizer_free(tok);
}

/* Memory of a call stays within that of pieces, and a constant times the text. */
static void test_call_memory(void **state) {
    static uint8_t text[1 << 16];
    memset(text, 'a', sizeof text);
    made_vocab *m = made_bpe();
    made_merge(m, "a a");
    fh_tokenizer *tok = accept(state, m);
    fh_trace *trace = fh_test_trace(state);
    fh_trace_budget(trace, fh_trace_stats(trace).live_bytes + (3 << 20) + 64 * sizeof text);
    fh_ids ids;
    fh_ids_init(&ids, fh_test_allocator(state), 0);
    fh_assert_ok(fh_tokenizer_encode(tok, (fh_span){text, sizeof text}, PLAIN, &ids, NULL));
    fh_trace_budget(trace, fh_trace_stats(trace).live_bytes + sizeof text);
    size_t before = ids.count;
    fh_err err = {0};
    fh_assert_code(fh_tokenizer_encode(tok, (fh_span){text, sizeof text}, PLAIN, &ids, &err), FH_NOMEM);
    fh_assert_err(&err, FH_NOMEM, "out of memory");
    assert_int_equal(ids.count, before);
    fh_trace_budget(trace, 0);
    fh_ids_deinit(&ids);
    fh_tokenizer_free(tok);
}

/* Appends the ids of a text. */
static void encode(const fh_tokenizer *tok, fh_span text, fh_ids *out) {
    fh_assert_ok(fh_tokenizer_encode(tok, text, (fh_encode_options){0}, out, NULL));
}

/* What is remembered within a call changes speed only: a long text against its words one by one. Pieces of every length
 * around the bytes that are kept, and of every number of ids around those. */
static void test_same_as_without(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static uint8_t text[1 << 16];
    fh_test_rng rng = fh_test_rng_new(9);
    for (int kind = 0; kind < 2; kind++) {
        made_vocab *m = kind == 0 ? made_bpe() : made_spm();
        fh_tokenizer *tok;
        if (kind == 0) {
            made_merge(m, "a b");
            made_merge(m, "ab ab");
            made_merge(m, "\xc4\xa0 ab"); /* U+0120 is the space */
        } else {
            m->vocab.add_space_prefix = false;
            made_token(m, FH_LIT("ab"), FH_TOKEN_NORMAL, -1);
            made_token(m, FH_LIT("a"), FH_TOKEN_NORMAL, -3);
            made_token(m, FH_LIT("b"), FH_TOKEN_NORMAL, -3);
            made_token(m, FH_LIT("abab"), FH_TOKEN_NORMAL, -2);
        }
        fh_assert_ok(fh_tokenizer_new(a, made_view(m), &tok, NULL));
        size_t size = 0;
        while (size < sizeof text - 40) {
            text[size++] = ' ';
            for (size_t n = 1 + fh_test_rng_below(&rng, 20); n > 0; n--)
                text[size++] = (uint8_t)"ab\0\xff"[fh_test_rng_below(&rng, n % 5 == 0 ? 4 : 2)];
        }
        fh_ids whole, parts;
        fh_ids_init(&whole, a, 0);
        fh_ids_init(&parts, a, 0);
        encode(tok, (fh_span){text, size}, &whole);
        for (size_t at = 0; at < size;) {
            size_t end = at + 1;
            while (end < size && text[end] != ' ')
                end++;
            encode(tok, (fh_span){text + at, end - at}, &parts);
            at = end;
        }
        assert_int_equal(whole.count, parts.count);
        for (size_t i = 0; i < whole.count; i++)
            assert_int_equal(fh_u32s_get(whole.items, i), fh_u32s_get(parts.items, i));
        fh_ids_deinit(&whole);
        fh_ids_deinit(&parts);
        fh_tokenizer_free(tok);
    }
}

/* Words that differ in their last bytes only, more than once each: none may be taken for another that has its place. */
static void test_alike(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    made_vocab *m = made_bpe();
    for (unsigned i = 0; i < 4; i++)
        made_merge(m, (const char[]){(char)('a' + i / 2), ' ', (char)('a' + i % 2), 0});
    for (unsigned i = 0; i < 16; i++)
        made_merge(m, (const char[]){(char)('a' + i / 8), (char)('a' + i / 4 % 2), ' ', (char)('a' + i / 2 % 2),
                                     (char)('a' + i % 2), 0});
    fh_tokenizer *tok;
    fh_assert_ok(fh_tokenizer_new(a, made_view(m), &tok, NULL));
    static uint8_t text[17 * 1024];
    for (size_t i = 0; i < sizeof text; i++) {
        size_t word = i / 17, at = i % 17;
        text[i] = (uint8_t)(at == 16 ? '\n' : at < 8 ? 'a' : 'a' + (word >> (at - 8) & 1));
    }
    fh_ids whole, parts;
    fh_ids_init(&whole, a, 0);
    fh_ids_init(&parts, a, 0);
    encode(tok, (fh_span){text, sizeof text}, &whole);
    for (size_t i = 0; i < sizeof text; i += 17)
        encode(tok, (fh_span){text + i, 17}, &parts);
    assert_int_equal(whole.count, parts.count);
    for (size_t i = 0; i < whole.count; i++)
        assert_int_equal(fh_u32s_get(whole.items, i), fh_u32s_get(parts.items, i));
    fh_ids_deinit(&whole);
    fh_ids_deinit(&parts);
    fh_tokenizer_free(tok);
}

/* --- everything ------------------------------------------------------------------------------------------------------- */

typedef struct expected_token {
    uint32_t id, type, begin, end, special;
} expected_token;

/* A text, alone or with a pair, gives these tokens with their offsets in bytes. */
static void check_encoding(void **state, fh_tokenizer *tok, fh_span text, fh_or_null const char *pair,
                           const expected_token *expected, size_t count) {
    fh_allocator *a = fh_test_allocator(state);
    fh_encoder *encoder;
    fh_encoding e;
    fh_encode_input in = {.text = text, .has_pair = pair != NULL};
    if (pair != NULL)
        in.pair = fh_span_of_str(pair);
    fh_encoding_init(&e, a);
    fh_assert_ok(fh_encoder_new(a, tok, &encoder));
    fh_encode_options o = {.add_special = true, .offsets = FH_OFFSETS_BYTES};
    fh_assert_ok(fh_encoder_encode(encoder, &in, o, &e, NULL));
    assert_int_equal(fh_encoding_count(&e), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(fh_u32s_get(fh_encoding_column(&e, FH_COLUMN_ID), i), expected[i].id);
        assert_int_equal(fh_u32s_get(fh_encoding_column(&e, FH_COLUMN_TYPE), i), expected[i].type);
        assert_int_equal(fh_u32s_get(fh_encoding_column(&e, FH_COLUMN_BEGIN), i), expected[i].begin);
        assert_int_equal(fh_u32s_get(fh_encoding_column(&e, FH_COLUMN_END), i), expected[i].end);
        assert_int_equal(fh_u32s_get(fh_encoding_column(&e, FH_COLUMN_SPECIAL), i), expected[i].special);
    }
    fh_encoding_deinit(&e);
    fh_encoder_free(encoder);
}

/* Decodes at once and token by token; both give the text. */
static void check_decoded(void **state, fh_tokenizer *tok, const uint32_t *ids, size_t count, const char *text) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf out;
    fh_decode_stream *stream;
    fh_buf_init(&out, a, 0);
    uint32_t copy[16];
    memcpy(copy, ids, count * sizeof *ids);
    fh_assert_ok(fh_tokenizer_decode(tok, (fh_u32s){copy, count}, true, &out));
    fh_assert_span(fh_buf_view(&out), text);
    fh_buf_truncate(&out, 0);
    fh_assert_ok(fh_decode_stream_new(a, tok, true, &stream));
    for (size_t i = 0; i < count; i++)
        fh_assert_ok(fh_decode_stream_step(stream, ids[i], &out));
    fh_assert_span(fh_buf_view(&out), text);
    fh_decode_stream_free(stream);
    fh_buf_deinit(&out);
}

static void test_everything(void **state) {
    made_vocab *m = made_spm();
    uint32_t word = made_token(m, FH_LIT("\xe2\x96\x81" "ab"), FH_TOKEN_NORMAL, -1);
    uint32_t space = made_token(m, FH_LIT("\xe2\x96\x81"), FH_TOKEN_NORMAL, -5);
    made_token(m, FH_LIT("ab"), FH_TOKEN_NORMAL, -2), made_token(m, FH_LIT("a"), FH_TOKEN_NORMAL, -5);
    made_token(m, FH_LIT("b"), FH_TOKEN_NORMAL, -5);
    uint32_t user = made_token(m, FH_LIT("<u>"), FH_TOKEN_USER, 0);
    fh_tokenizer *tok = accept(state, m);
    const expected_token one[] = {{1, 0, 0, 0, 1}, {word, 0, 0, 2, 0}, {user, 0, 2, 5, 0},       {space, 0, 5, 7, 0},
                                  {0xc3 + 3, 0, 5, 7, 0}, {0xa9 + 3, 0, 5, 7, 0}, {word, 0, 7, 10, 0}};
    check_encoding(state, tok, FH_LIT("ab<u>\xc3\xa9 ab"), NULL, one, 7);
    const expected_token two[] = {{1, 0, 0, 0, 1}, {word, 0, 0, 2, 0}, {1, 1, 0, 0, 1}, {word, 1, 0, 2, 0}, {word, 1, 2, 5, 0}};
    check_encoding(state, tok, FH_LIT("ab"), "ab ab", two, 5);
    check_decoded(state, tok, IDS(1, word, user, space, 0xc3 + 3, 0xa9 + 3, word, 2), "ab<u> \xc3\xa9 ab");
    assert_int_equal(fh_tokenizer_added(tok, false), 1);
    assert_int_equal(fh_tokenizer_added(tok, true), 2);
    fh_buf json;
    fh_err err = {0};
    fh_buf_init(&json, fh_test_allocator(state), 0);
    fh_assert_code(fh_tokenizer_save(tok, false, &json, &err), FH_UNSUPPORTED);
    fh_assert_err(&err, FH_UNSUPPORTED, "GGUF");
    assert_int_equal(json.size, 0);
    fh_buf_deinit(&json);
    fh_tokenizer_free(tok);

    m = made_bpe();
    uint32_t he = made_merge(m, "h e"), spaced = made_merge(m, "\xc4\xa0 he");
    uint32_t eos = made_token(m, FH_LIT("<e>"), FH_TOKEN_CONTROL, 0);
    m->vocab.eos = eos;
    m->vocab.add_eos = true;
    tok = accept(state, m);
    const expected_token bytes[] = {
        {he, 0, 0, 2, 0}, {spaced, 0, 2, 5, 0}, {0xc3, 0, 5, 7, 0}, {0xa9, 0, 5, 7, 0}, {eos, 0, 0, 0, 1}};
    check_encoding(state, tok, FH_LIT("he he\xc3\xa9"), NULL, bytes, 5);
    check_decoded(state, tok, IDS(he, spaced, 0xc3, 0xa9, eos), "he he\xc3\xa9");
    fh_tokenizer_free(tok);
}

/* Ids of bytes that are not UTF-8 are those of the bytes; offsets there are none. */
static void test_any_bytes(void **state) {
    made_vocab *m = made_bpe();
    fh_tokenizer *tok = accept(state, m);
    check_ids(state, tok, FH_LIT("a\xff\xc3"), PLAIN, IDS('a', 0xff, 0xc3));
    fh_encoder *encoder;
    fh_encoding e;
    fh_err err = {0};
    fh_encoding_init(&e, fh_test_allocator(state));
    fh_assert_ok(fh_encoder_new(fh_test_allocator(state), tok, &encoder));
    fh_encode_input in = {.text = FH_LIT("a\xff")};
    fh_assert_code(fh_encoder_encode(encoder, &in, (fh_encode_options){.offsets = FH_OFFSETS_BYTES}, &e, &err), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "not UTF-8");
    fh_encoder_free(encoder);
    fh_encoding_deinit(&e);
    fh_tokenizer_free(tok);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_counts),
        FH_TEST_ALLOC(test_too_many_tokens),
        FH_TEST_ALLOC(test_special_ids),
        FH_TEST_ALLOC(test_types),
        FH_TEST_ALLOC(test_scores),
        FH_TEST_ALLOC(test_byte_tokens),
        FH_TEST_ALLOC(test_spellings),
        FH_TEST_ALLOC(test_long_special_tokens),
        FH_TEST_ALLOC(test_unreachable_bytes),
        FH_TEST_ALLOC(test_questions),
        FH_TEST_ALLOC(test_copies),
        FH_TEST_ALLOC(test_no_memory),
        FH_TEST_ALLOC(test_memory_bound),
        FH_TEST_ALLOC(test_rules_memory),
        cmocka_unit_test(test_names),
        FH_TEST_ALLOC(test_special),
        FH_TEST_ALLOC(test_near_misses),
        FH_TEST_ALLOC(test_limits),
        FH_TEST_ALLOC(test_call_memory),
        FH_TEST_ALLOC(test_same_as_without),
        FH_TEST_ALLOC(test_alike),
        FH_TEST_ALLOC(test_everything),
        FH_TEST_ALLOC(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
