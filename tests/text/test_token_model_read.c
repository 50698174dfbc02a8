/* test_token_model_read.c: what a model's JSON may be, and what is refused, where. */
#include "text/model_case.h"

#define PIECES "\"unk_token\":\"a\",\"continuing_subword_prefix\":\"#\",\"max_input_chars_per_word\":5,"

static void test_untyped(void **state) {
    static const struct {
        const char *json;
        fh_model_kind kind;
    } cases[] = {{"{\"vocab\":{\"a\":0},\"merges\":[]}", FH_MODEL_BPE},
                 {"{\"merges\":[\"#version: 0.2\",\"a b\"],\"vocab\":{\"a\":0,\"b\":1,\"ab\":7}}", FH_MODEL_BPE},
                 {"{" PIECES "\"vocab\":{\"a\":0}}", FH_MODEL_WORDPIECE},
                 {"{\"unk_token\":\"a\",\"vocab\":{\"a\":0}}", FH_MODEL_WORDLEVEL},
                 {"{\"vocab\":[[\"a\",0]],\"other\":[{\"x\":[1]}]}", FH_MODEL_UNIGRAM},
                 {"{\"type\":\"WordLevel\",\"merges\":7,\"unk_token\":\"a\",\"vocab\":{}}", FH_MODEL_WORDLEVEL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_token_model *m = read_model(fh_test_allocator(state), cases[i].json);
        assert_int_equal(fh_token_model_kind(m), cases[i].kind);
        fh_token_model_free(m);
    }
}

static void test_refusals(void **state) {
    static const struct {
        const char *json, *message;
        fh_code code;
    } cases[] = {
        {"7", "byte 1000: expected a model as an object", FH_CORRUPT},
        {"{\"vocab\":{},\"merges\":[]} 1", "byte 1025", FH_CORRUPT},
        {"{\"type\":\"Magic\"}", "byte 1008: model \"Magic\", expected BPE", FH_UNSUPPORTED},
        {"{\"type\":\"BPE\",\"merges\":[]}", "expected a model with \"vocab\" as an object", FH_CORRUPT},
        {"{\"type\":\"BPE\",\"vocab\":{}}", "expected a BPE model with \"merges\"", FH_CORRUPT},
        {"{\"type\":\"BPE\",\"vocab\":[[\"a\",1]],\"merges\":[]}", "expected a model with \"vocab\" as an object", FH_CORRUPT},
        {"{\"type\":\"Unigram\",\"vocab\":{}}", "expected a Unigram model with \"vocab\" as a list", FH_CORRUPT},
        {"{\"type\":\"WordPiece\",\"vocab\":{}}", "expected a WordPiece model with", FH_CORRUPT},
        {"{\"type\":\"WordLevel\",\"vocab\":{}}", "expected a WordLevel model with", FH_CORRUPT},
        {"{\"vocab\":{\"a\":0},\"vocab\":{}}", "byte 1017: expected one vocabulary", FH_CORRUPT},
        {"{\"merges\":[],\"merges\":[]}", "byte 1013: expected one list of merges", FH_CORRUPT},
        {"{\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}", "tokens \"a\" and \"b\" have one id, 0", FH_CORRUPT},
        {"{\"vocab\":{\"a\":-1}}", "byte 1014: expected a token id", FH_CORRUPT},
        {"{\"vocab\":{\"a\":1048576}}", "byte 1010: token id 1048576, expected 0 to 1048575", FH_LIMIT},
        {"{\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}", "byte 1027: merge of \"b\", which is no token", FH_CORRUPT},
        {"{\"vocab\":{\"a\":0},\"merges\":[\"a a\"]}", "byte 1027: merge of \"aa\", which is no token", FH_CORRUPT},
        {"{\"vocab\":{\"a\":0},\"merges\":[\"aa\"]}", "byte 1027: expected a merge of two tokens", FH_CORRUPT},
        {"{\"vocab\":{\"a\":0},\"merges\":[\"a a \"]}", "byte 1027: expected a merge of two tokens", FH_CORRUPT},
        {"{\"vocab\":{\"a\":0},\"merges\":[[\"a\"]]}", "byte 1031: expected the right half", FH_CORRUPT},
        {"{\"vocab\":{\"a\":0},\"merges\":[[\"a\",\"a\",\"a\"]]}", "byte 1036: expected two halves", FH_CORRUPT},
        {"{\"vocab\":{\"a\":0},\"merges\":[7]}", "byte 1027: expected a merge", FH_CORRUPT},
        {"{\"vocab\":{\"a\":0},\"continuing_subword_prefix\":\"##\",\"merges\":[\"a a\"]}", "that begins with the prefix",
         FH_CORRUPT},
        {"{\"dropout\":1.5}", "byte 1011: expected a dropout from 0 to 1", FH_CORRUPT},
        {"{\"dropout\":-0.5}", "byte 1011: expected a dropout from 0 to 1", FH_CORRUPT},
        {"{\"fuse_unk\":1}", "byte 1012: expected true or false", FH_CORRUPT},
        {"{\"unk_token\":1}", "byte 1013: expected a string or null", FH_CORRUPT},
        {"{\"vocab\":[[\"a\",0]],\"unk_id\":1}", "unk_id is 1, but there are 1 tokens", FH_CORRUPT},
        {"{\"vocab\":[[\"a\",0]],\"unk_id\":-1}", "unk_id is -1, but there are 1 tokens", FH_CORRUPT},
        {"{\"vocab\":[[\"a\"]]}", "byte 1014: expected the score", FH_CORRUPT},
        {"{\"vocab\":[[\"a\",0,1]]}", "byte 1017: expected the end of a token and its score", FH_CORRUPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_token_model *m;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_token_model_read(fh_test_allocator(state), fh_span_of_str(cases[i].json), 1000, &m, &err),
                       cases[i].code);
        assert_null(m);
        fh_assert_err(&err, cases[i].code, cases[i].message);
    }
}

/* A spelling that comes again counts anew; an earlier merge of a pair as well. */
static void test_repeated(void **state) {
    static const model_case cases[] = {{"a", "2:0-1"}, {"aab", "2:0-1 4:1-3"}};
    CHECK_CASES(fh_test_allocator(state),
                "{\"vocab\":{\"a\":1,\"a\":2,\"b\":1,\"aa\":3,\"ab\":4},\"merges\":[\"a a\",\"a b\",\"a a\"]}", cases);
    static const model_case list[] = {{"a", "1:0-1"}};
    CHECK_CASES(fh_test_allocator(state), "{\"vocab\":[[\"a\",-1.0],[\"a\",-2.0]],\"unk_id\":null}", list);
}

/* Escapes, in either half of a merge. */
static void test_escapes(void **state) {
    static const model_case cases[] = {{"\n\"", "3:0-2"}};
    CHECK_CASES(fh_test_allocator(state),
                "{\"vocab\":{\"\\n\":0,\"\\u0022\":2,\"\\n\\\"\":3},\"merges\":[[\"\\u000a\",\"\\\"\"]]}", cases);
}

/* Many merges, of words of two letters out of twelve; every seventh is written with an escape, if that is asked for. */
static void put_many(fh_buf *b, bool escaped, const char *last) {
    fh_assert_ok(fh_buf_put(b, FH_LIT("{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,"
                                      "\"continuing_subword_prefix\":null,"
                                      "\"end_of_word_suffix\":null,\"fuse_unk\":false,\"byte_fallback\":false,"
                                      "\"ignore_merges\":false,\"vocab\":{\"a\":0")));
    for (int i = 1; i < 12 * 13; i++)
        fh_assert_ok(i < 12 ? fh_buf_format(b, ",\"%c\":%d", 'a' + i, i)
                            : fh_buf_format(b, ",\"%c%c\":%d", 'a' + i / 12 - 1, 'a' + i % 12, i));
    fh_assert_ok(fh_buf_put(b, FH_LIT("},\"merges\":[")));
    for (int i = 0; i < 12 * 12; i++)
        fh_assert_ok(escaped && i % 7 == 0
                         ? fh_buf_format(b, "%s[\"\\u%04x\",\"%c\"]", i == 0 ? "" : ",", 'a' + i % 12, 'a' + i / 12)
                         : fh_buf_format(b, "%s[\"%c\",\"%c\"]", i == 0 ? "" : ",", 'a' + i % 12, 'a' + i / 12));
    fh_assert_ok(fh_buf_format(b, "%s]}", last));
}

/* Merges are looked up many at a time, and stay in their order. */
static void test_many_merges(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf json, expected, out;
    fh_buf_init(&expected, a, 0);
    put_many(&expected, false, "");
    for (int escaped = 0; escaped < 2; escaped++) {
        fh_token_model *m = NULL;
        fh_json_writer w;
        fh_buf_init(&json, a, 0);
        fh_buf_init(&out, a, 0);
        put_many(&json, escaped != 0, "");
        fh_assert_ok(fh_token_model_read(a, fh_buf_view(&json), 0, &m, NULL));
        fh_json_writer_init(&w, &out, false);
        fh_assert_ok(fh_token_model_write(m, &w));
        assert_true(fh_span_equal(fh_buf_view(&out), fh_buf_view(&expected)));
        fh_token_model_free(m);
        fh_buf_deinit(&out);
        fh_buf_deinit(&json);
    }
    fh_token_model *none;
    fh_err err = {0};
    size_t place = fh_buf_view(&expected).size - 2;
    fh_buf_truncate(&expected, 0);
    put_many(&expected, false, ",[\"a\",\"z\"]");
    fh_assert_code(fh_token_model_read(a, fh_buf_view(&expected), 0, &none, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "merge of \"z\", which is no token");
    assert_int_equal(err.offset_bytes, place + 2);
    fh_buf_deinit(&expected);
}

static void test_questions(void **state) {
    fh_token_model *m = read_model(fh_test_allocator(state),
                                   "{\"type\":\"BPE\",\"unk_token\":\"a\",\"continuing_subword_prefix\":\"#\","
                                   "\"end_of_word_suffix\":\"$\",\"vocab\":{\"a\":0,\"bc\":5},\"merges\":[]}");
    fh_span s;
    assert_int_equal(fh_token_model_size(m), 2);
    assert_int_equal(fh_token_model_id_end(m), 6);
    assert_int_equal(fh_token_model_find(m, FH_LIT("bc")), 5);
    assert_int_equal(fh_token_model_find(m, FH_LIT("b")), FH_NO_TOKEN);
    assert_true(fh_token_model_spelling(m, 5, &s));
    fh_assert_span(s, "bc");
    assert_false(fh_token_model_spelling(m, 4, &s));
    assert_false(fh_token_model_spelling(m, 6, &s));
    assert_int_equal(fh_token_model_unknown(m), 0);
    fh_assert_span(fh_token_model_prefix(m), "#");
    fh_assert_span(fh_token_model_suffix(m), "$");
    fh_token_model_free(m);
    fh_token_model_free(NULL);
    fh_model_scratch_free(NULL);
}

static fh_status read_and_encode(fh_allocator *a, void *arg) {
    fh_token_model *m;
    fh_model_scratch *room;
    FH_TRY(fh_token_model_read(a, fh_span_of_str(arg), 0, &m, NULL));
    fh_status s = fh_model_scratch_new(a, &room);
    if (fh_failed(s)) {
        fh_token_model_free(m);
        return s;
    }
    fh_token_list l;
    fh_token_list_init(&l, a, false);
    bool raw = fh_token_model_use_raw_bytes(m); /* without memory it stays as it was */
    (void)raw;
    s = fh_token_model_encode(m, room, FH_LIT("ab"), &l);
    if (s.code == FH_OK)
        s = fh_token_model_encode(m, room, FH_LIT("abababababababababababababababababababababab"), &l);
    assert_true(s.code == FH_OK || l.count <= 2);
    fh_token_list_deinit(&l);
    fh_model_scratch_free(room);
    fh_token_model_free(m);
    return s;
}

static void test_allocation_failure(void **state) {
    static const char *const models[] = {
        "{\"type\":\"BPE\",\"unk_token\":\"a\",\"dropout\":0.5,\"vocab\":{\"a\":0,\"b\":1,\"\\u0061b\":2},"
        "\"merges\":[[\"\\u0061\",\"b\"]]}",
        "{\"type\":\"BPE\",\"continuing_subword_prefix\":\"#\",\"vocab\":{\"a\":0,\"#b\":1},\"merges\":[]}",
        "{" PIECES "\"vocab\":{\"a\":0,\"#b\":3}}", "{\"unk_token\":\"a\",\"vocab\":{\"a\":0}}",
        "{\"vocab\":[[\"a\",0],[\"b\",-1],[\"ab\",-3]],\"unk_id\":0}"};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        FH_FAIL_EACH_ALLOC(fh_test_trace(state), read_and_encode, (void *)(uintptr_t)models[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_untyped),   FH_TEST_ALLOC(test_refusals),
                                       FH_TEST_ALLOC(test_repeated),  FH_TEST_ALLOC(test_escapes),
                                       FH_TEST_ALLOC(test_many_merges), FH_TEST_ALLOC(test_questions),
                                       FH_TEST_ALLOC(test_allocation_failure)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
