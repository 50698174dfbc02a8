/* test_unigram.c: Unigram. The expected tokens are what `tokenizers` 0.23 gives for these models. */
#include "text/model_case.h"

#define SUN "\xe6\x97\xa5"
#define ROOT "\xe6\x9c\xac"
#define WORDS \
    "[\"a\",-1.0],[\"b\",-1.0],[\"ab\",-2.0],[\"abc\",-2.5],[\"c\",-1.0],[\"bc\",-2.0],[\"" SUN "\",-3.0],[\"zz\",-9.0]"

static void test_best_path(void **state) {
    static const model_case cases[] = {
        {"ab", "3:0-2"}, {"abc", "4:0-3"}, {"aabc", "1:0-1 4:1-4"}, {"xyz", "0:0-3"}, {"axyb", "1:0-1 0:1-3 2:3-4"},
        {"zz", "8:0-2"}, {"zzz", "0:0-1 8:1-3"}, {SUN ROOT SUN, "7:0-3 0:3-6 7:6-9"}, {"", ""}, {"<unk>", "0:0-5"},
        {"cab", "5:0-1 3:1-3"}};
    CHECK_CASES(fh_test_allocator(state), "{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0.0]," WORDS "]}", cases);
}

/* Characters that no token begins with are one unknown text, but not where a token holds them. */
static void test_strange(void **state) {
    static const model_case cases[] = {
        {"bxc", "2:0-3"}, {"bxx", "1:0-1 0:1-3"}, {"xbxcx", "0:0-1 2:1-4 0:4-5"}, {"bxyc", "1:0-1 0:1-3 3:3-4"},
        {"xy", "0:0-2"},        {ROOT ROOT "c" ROOT, "0:0-6 3:6-7 0:7-10"}, {"b" ROOT "c", "4:0-5"},
        {"b" ROOT ROOT, "1:0-1 0:1-7"}};
    CHECK_CASES(fh_test_allocator(state),
                "{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0.0],[\"b\",-1.0],[\"bxc\",-2.0],[\"c\",-1.0],"
                "[\"b" ROOT "c\",-3.0]]}",
                cases);
}

/* All bytes of an unknown text have its place. */
static void test_bytes(void **state) {
    static const model_case cases[] = {{ROOT, "9:0-3 10:0-3 11:0-3"}, {"x" ROOT "a", "12:0-4 9:0-4 10:0-4 11:0-4 1:4-5"},
                                       {ROOT "y", "0:0-4"}, {"axx", "1:0-1 12:1-3 12:1-3"}};
    CHECK_CASES(fh_test_allocator(state),
                "{\"type\":\"Unigram\",\"unk_id\":0,\"byte_fallback\":true,\"vocab\":[[\"<unk>\",0.0]," WORDS
                ",[\"<0xE6>\",-5.0],[\"<0x9C>\",-5.0],[\"<0xAC>\",-5.0],[\"<0x78>\",-5.0]]}",
                cases);
}

static void test_unknown(void **state) {
    static const model_case none[] = {{"abc", "3:0-3"}, {"x", NULL}, {ROOT, NULL}, {"zz", NULL}};
    static const model_case joined[] = {{"axya", "1:0-1 2:1-3 1:3-4"}, {"xx", "0:0-2"}, {"xya", "2:0-2 1:2-3"}};
    CHECK_CASES(fh_test_allocator(state), "{\"type\":\"Unigram\",\"unk_id\":null,\"vocab\":[" WORDS "]}", none);
    CHECK_CASES(fh_test_allocator(state), "{\"vocab\":[[\"<unk>\",0.0],[\"a\",-1.0],[\"xy\",-90.0]],\"unk_id\":0}", joined);
}

/* Scores are read as the reference reads them: digits as an integer, rounded, then divided by a power of ten. */
static void test_numbers(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_token_model *m = read_model(a, "{\"type\":\"Unigram\",\"unk_id\":null,\"vocab\":[[\"a\",-2.0122928619384766],"
                                      "[\"b\",-13.815510557964274],[\"c\",-9.876543210987654321e-5],"
                                      "[\"d\",123456789.123456789012345],[\"e\",18446744073709551616],"
                                      "[\"f\",-0],[\"g\",1e-400]]}");
    fh_buf b;
    fh_json_writer w;
    fh_buf_init(&b, a, 0);
    fh_json_writer_init(&w, &b, false);
    fh_assert_ok(fh_token_model_write(m, &w));
    for (size_t i = 0; i < 5; i++) {
        static const char *const expected[] = {"-2.012292861938477", "-13.815510557964274", "-0.00009876543210987656",
                                               "123456789.1234568", "18446744073709552000"};
        assert_true(fh_span_find(fh_buf_view(&b), fh_span_of_str(expected[i]), 0) != SIZE_MAX);
    }
    fh_buf_deinit(&b);
    fh_token_model_free(m);
    fh_err err;
    fh_err_clear(&err);
    fh_assert_code(fh_token_model_read(a, FH_LIT("{\"vocab\":[[\"a\",1e309]]}"), 0, &m, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "byte 15: a score too large");
    fh_assert_code(fh_token_model_read(a, FH_LIT("{\"vocab\":[[\"a\",9e308]]}"), 0, &m, NULL), FH_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_best_path), FH_TEST_ALLOC(test_strange), FH_TEST_ALLOC(test_bytes),
                                       FH_TEST_ALLOC(test_unknown), FH_TEST_ALLOC(test_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
