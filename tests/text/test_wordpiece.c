/* test_wordpiece.c: WordPiece and WordLevel. The expected tokens are what `tokenizers` 0.23 gives for these models. */
#include "text/model_case.h"

#define SUN "\xe6\x97\xa5"
#define ROOT "\xe6\x9c\xac"
#define TALK "\xe8\xaa\x9e"

static void test_longest(void **state) {
    static const model_case cases[] = {
        {"un", "1:0-2"}, {"unaffable", "0:0-9"}, {"unaffabl", "0:0-8"}, {"unaff", "1:0-2 2:2-5"}, {SUN ROOT, "6:0-3 7:3-6"},
        {SUN ROOT TALK, "6:0-3 7:3-6 10:6-9"}, {SUN "x", "0:0-4"}, {"##a", "4:0-3"},
        {"aaaaaaaa", "9:0-1 4:1-2 4:2-3 4:3-4 4:4-5 4:5-6 4:6-7 4:7-8"}, {"aaaaaaaaa", "0:0-9"},
        {SUN SUN SUN SUN SUN SUN SUN SUN SUN, "0:0-27"}, {"", ""}, {"a##", "0:0-3"}};
    CHECK_CASES(fh_test_allocator(state),
                "{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\","
                "\"max_input_chars_per_word\":8,\"vocab\":{\"[UNK]\":0,\"un\":1,\"##aff\":2,\"##able\":3,\"##a\":4,"
                "\"unaffa\":5,\"" SUN "\":6,\"##" ROOT "\":7,\"##\":8,\"a\":9,\"##" TALK "\":10}}",
                cases);
}

static void test_without_prefix(void **state) {
    static const model_case cases[] = {{"aab", "1:0-1 0:1-3"}, {"abab", "0:0-2 0:2-4"}, {"abc", "2:0-3"}};
    static const model_case no_unknown[] = {{"ab", "0:0-2"}, {"abc", NULL}};
    static const model_case no_inner[] = {{"ab", "0:0-2"}, {"abab", "1:0-4"}};
#define PLAIN "\"unk_token\":\"u\",\"max_input_chars_per_word\":100,\"continuing_subword_prefix\":"
    CHECK_CASES(fh_test_allocator(state), "{\"type\":\"WordPiece\"," PLAIN "\"\",\"vocab\":{\"ab\":0,\"a\":1,\"u\":2}}", cases);
    CHECK_CASES(fh_test_allocator(state), "{\"type\":\"WordPiece\"," PLAIN "\"\",\"vocab\":{\"ab\":0}}", no_unknown);
    CHECK_CASES(fh_test_allocator(state), "{\"type\":\"WordPiece\"," PLAIN "\"@@\",\"vocab\":{\"ab\":0,\"u\":1}}", no_inner);
}

static void test_word_level(void **state) {
    static const model_case cases[] = {{"ab", "4:0-2"}, {"x", "2:0-1"}, {"u", "2:0-1"}, {"", "9:0-0"}};
    static const model_case no_unknown[] = {{"ab", "4:0-2"}, {"x", NULL}};
    CHECK_CASES(fh_test_allocator(state),
                "{\"type\":\"WordLevel\",\"unk_token\":\"u\",\"vocab\":{\"ab\":4,\"u\":2,\"\":9}}", cases);
    CHECK_CASES(fh_test_allocator(state), "{\"type\":\"WordLevel\",\"unk_token\":\"u\",\"vocab\":{\"ab\":4}}", no_unknown);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_longest), FH_TEST_ALLOC(test_without_prefix),
                                       FH_TEST_ALLOC(test_word_level)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
