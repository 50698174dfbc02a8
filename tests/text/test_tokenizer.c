/* test_tokenizer.c: what makes a vocabulary acceptable, and the questions a tokenizer answers. */
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
    uint8_t spelling[513];
    memset(spelling, '<', sizeof spelling);
    made_vocab *m = made_bpe();
    made_token(m, (fh_span){spelling, 513}, FH_TOKEN_CONTROL, 0);
    refuse(state, m, FH_LIMIT, "special token 256 has 513 bytes");
    m = made_bpe();
    made_token(m, (fh_span){spelling, 512}, FH_TOKEN_CONTROL, 0);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
