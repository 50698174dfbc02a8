/* test_regex.c: the walk over matches: by scanner, by text and by PCRE2; empty matches; failures. */
#include "freehold/buf.h"
#include "support/fh_test.h"
#include "scan_patterns.h"
#include "text/pipe/regex.h"

/* The matches of a pattern in a text as "begin-end " each. */
static void expect(fh_allocator *a, const char *pattern, bool literal, const char *text, const char *expected) {
    fh_regex *re = NULL;
    fh_finder f;
    fh_match m;
    fh_buf got;
    fh_status s = (literal ? fh_regex_literal : fh_regex_new)(a, fh_span_of_str(pattern), &re, NULL);
    fh_assert_ok(s);
    fh_assert_span(fh_regex_source(re), pattern);
    assert_int_equal(fh_regex_is_literal(re), literal);
    fh_finder_init(&f, a);
    fh_buf_init(&got, a, 0);
    for (int again = 0; again < 2; again++) {
        fh_buf_truncate(&got, 0);
        fh_finder_start(&f);
        while ((s = fh_finder_next(&f, re, fh_span_of_str(text), &m)).code == FH_OK)
            fh_assert_ok(fh_buf_format(&got, "%zu-%zu ", m.begin, m.end));
        assert_int_equal(s.code, FH_END);
        fh_assert_span(fh_buf_view(&got), expected);
    }
    fh_buf_deinit(&got);
    fh_finder_deinit(&f);
    fh_regex_free(re);
}

static void test_walks(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    expect(a, "\\s+", false, " a  b\xe3\x80\x80", "0-1 2-4 5-8 ");
    expect(a, "\\s+", false, "", "");
    expect(a, "\\s+", true, "a\\s+b\\s+", "1-4 5-8 ");
    expect(a, "aa", true, "aaaaa", "0-2 2-4 ");
    expect(a, "x", true, "", "");
    expect(a, scan_patterns[FH_SCAN_GPT2], false, "it's 12", "0-2 2-4 4-7 ");
}

/* Checked against the reference: an empty match right behind the one before is passed over. */
static void test_empty_matches(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    expect(a, "", false, "ab", "0-0 1-1 2-2 ");
    expect(a, "", true, "a\xc3\xa9", "0-0 1-1 3-3 ");
    expect(a, "a*", false, "baac", "0-0 1-3 4-4 ");
    expect(a, "x*", false, "", "0-0 ");
    expect(a, "(?=b)|b", false, "abb", "1-1 2-2 ");
}

static void test_refused(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_regex *re = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_code(fh_regex_new(a, FH_LIT("a\xff"), &re, &err), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "UTF-8");
    fh_err_clear(&err);
    fh_assert_code(fh_regex_new(a, FH_LIT("(?<n"), &re, &err), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "byte");
    assert_null(re);
    fh_regex_free(NULL);
}

/* PCRE2 never sees a text that is not UTF-8; the others take any bytes. */
static void test_not_utf8(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_regex *re = NULL, *scan = NULL;
    fh_finder f;
    fh_match m;
    fh_assert_ok(fh_regex_new(a, FH_LIT("b+"), &re, NULL));
    fh_assert_ok(fh_regex_new(a, fh_span_of_str(scan_patterns[FH_SCAN_GPT2]), &scan, NULL));
    fh_finder_init(&f, a);
    fh_finder_start(&f);
    fh_assert_code(fh_finder_next(&f, re, FH_LIT("abb\xff"), &m), FH_INVALID);
    fh_finder_start(&f);
    fh_assert_ok(fh_finder_next(&f, scan, FH_LIT("abb\xff"), &m));
    assert_int_equal(m.end, 3);
    fh_finder_deinit(&f);
    fh_regex_free(re);
    fh_regex_free(scan);
}

/* Stretches of a scanner that are no matches are passed over. */
static void test_gaps(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    expect(a, scan_patterns[FH_SCAN_DIGITS3], false, "a12345b6", "1-4 4-6 7-8 ");
    expect(a, scan_patterns[FH_SCAN_DIGITS3], false, "abc", "");
    expect(a, scan_patterns[FH_SCAN_DEEPSEEK_WORDS], false, "12ab 3", "1-4 4-5 ");
}

static void test_too_many_steps(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_regex *re = NULL;
    fh_finder f;
    fh_match m;
    fh_assert_ok(fh_regex_new(a, FH_LIT("(x+x+)+y"), &re, NULL));
    fh_finder_init(&f, a);
    fh_finder_start(&f);
    fh_assert_code(fh_finder_next(&f, re, FH_LIT("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx y"), &m), FH_LIMIT);
    fh_finder_deinit(&f);
    fh_regex_free(re);
}

static fh_status use(fh_allocator *a, void *arg) {
    (void)arg;
    fh_regex *re = NULL;
    fh_finder f;
    fh_match m;
    fh_status s = fh_regex_new(a, FH_LIT("b+"), &re, NULL);
    if (fh_failed(s))
        return s;
    fh_finder_init(&f, a);
    fh_finder_start(&f);
    s = fh_finder_next(&f, re, FH_LIT("abb"), &m);
    fh_finder_deinit(&f);
    fh_regex_free(re);
    return s;
}

static void test_no_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), use, NULL) >= 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_walks), FH_TEST_ALLOC(test_empty_matches),
                                       FH_TEST_ALLOC(test_refused), FH_TEST_ALLOC(test_not_utf8),
                                       FH_TEST_ALLOC(test_gaps), FH_TEST_ALLOC(test_too_many_steps),
                                       FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
