/* test_pcre.c: PCRE2 behind spans: what it finds, what it refuses, and what hostile expressions may cost. */
#include "support/fh_test.h"
#include "text/kern/pcre.h"

static void finds(fh_allocator *a, const char *pattern, const char *text, size_t from, size_t begin, size_t end) {
    fh_pcre *re = NULL;
    fh_pcre_room *room = NULL;
    size_t b = 0, e = 0;
    fh_assert_ok(fh_pcre_new(a, fh_span_of_str(pattern), &re, NULL));
    fh_assert_ok(fh_pcre_room_new(a, &room));
    fh_assert_ok(fh_pcre_find(re, room, fh_span_of_str(text), from, &b, &e));
    assert_int_equal(b, begin);
    assert_int_equal(e, end);
    fh_pcre_room_free(room);
    fh_pcre_free(re);
}

static void test_finds(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    finds(a, "b+", "abbc", 0, 1, 3);
    finds(a, "b+", "abbc", 2, 2, 3);
    finds(a, "", "", 0, 0, 0);
    finds(a, "$", "a\nb", 0, 1, 1); /* lines */
    finds(a, "\\p{L}+", "1\xc3\xa9\xe4\xb8\x80", 0, 1, 6);
    finds(a, "(?<=a)b", "cab", 2, 2, 3); /* looks back behind `from` */
    finds(a, "\\s+", "a\xc2\x85\xe3\x80\x80", 0, 1, 6);
}

static fh_code search(fh_allocator *a, const char *pattern, fh_span text) {
    fh_pcre *re = NULL;
    fh_pcre_room *room = NULL;
    size_t b = 0, e = 0;
    fh_assert_ok(fh_pcre_new(a, fh_span_of_str(pattern), &re, NULL));
    fh_assert_ok(fh_pcre_room_new(a, &room));
    fh_status s = fh_pcre_find(re, room, text, 0, &b, &e);
    fh_pcre_room_free(room);
    fh_pcre_free(re);
    return s.code;
}

/* Matches that end before they begin are none; neither are those of expressions that never come to an end. */
static void test_strange_matches(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    assert_int_equal(search(a, "x", FH_LIT("aaa")), FH_END);
    assert_int_equal(search(a, "(?=(?1))(?(DEFINE)(ab\\K))", FH_LIT("ab")), FH_LIMIT);
    assert_int_equal(search(a, "(a+)+$", FH_LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")), FH_LIMIT);
    assert_int_equal(search(a, "(x+x+)+y", FH_LIT("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx y")), FH_LIMIT);
}

static void test_refused(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static char many[FH_PCRE_PATTERN_MAX + 2], deep[512];
    for (size_t i = 0; i + 1 < sizeof many; i++)
        many[i] = 'a';
    for (size_t i = 0; i < 101; i++) {
        deep[i] = '(';
        deep[101 + i] = ')';
    }
    const struct {
        const char *pattern;
        fh_code code;
        const char *says;
    } cases[] = {{"(a", FH_INVALID, "byte 2: missing closing parenthesis"},
                 {"[b-a]", FH_INVALID, "byte 3: range out of order"},
                 {"\\p{Nonsense}", FH_INVALID, "unknown property"},
                 {"\\C", FH_INVALID, "byte 2"},
                 {many, FH_LIMIT, "16385 bytes, at most 16384"},
                 {deep, FH_LIMIT, "parentheses are too deeply nested"},
                 {"(((a{1,1000}){1,1000}){1,1000}){1,1000}", FH_LIMIT, "too large"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_pcre *re = NULL;
        fh_err err;
        fh_err_clear(&err);
        fh_status s = fh_pcre_new(a, fh_span_of_str(cases[i].pattern), &re, &err);
        assert_int_equal(s.code, cases[i].code);
        fh_assert_err(&err, cases[i].code, cases[i].says);
        assert_null(re);
    }
}

static fh_status use(fh_allocator *a, void *arg) {
    (void)arg;
    fh_pcre *re = NULL;
    fh_pcre_room *room = NULL;
    size_t b = 0, e = 0;
    fh_status s = fh_pcre_new(a, FH_LIT("(?:(a|b)+|c)*d"), &re, NULL);
    if (!fh_failed(s))
        s = fh_pcre_room_new(a, &room);
    if (!fh_failed(s))
        s = fh_pcre_find(re, room, FH_LIT("xxababababababcababd"), 0, &b, &e);
    if (!fh_failed(s))
        assert_int_equal(b * 100 + e, 220);
    fh_pcre_room_free(room);
    fh_pcre_free(re);
    return s;
}

static void test_no_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), use, NULL) >= 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_finds), FH_TEST_ALLOC(test_strange_matches),
                                       FH_TEST_ALLOC(test_refused), FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
