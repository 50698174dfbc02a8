/* test_dialect.c: expressions of Ruby in the words of PCRE2: what is written, what is refused, and what it then means. */
#include "support/fh_test.h"
#include "text/pipe/dialect.h"
#include "text/pipe/regex.h"

static void test_written(void **state) {
    static const struct {
        const char *ruby, *pcre;
    } cases[] = {{"", ""},
                 {"a|b*?(?:c)[^]d-e]{2,3}", "a|b*?(?:c)[^]d-e]{2,3}"},
                 {"\\h", "[0-9A-Fa-f]"},
                 {"[\\h_]", "[0-9A-Fa-f_]"},
                 {"\\H", "[^0-9A-Fa-f]"},
                 {"\\u00e9[\\u00e9]", "\\x{00e9}[\\x{00e9}]"},
                 {"(?m:a)(?mi-x)(?i-m:b)", "(?s:a)(?si-x)(?i-s:b)"},
                 {"(?<m>a)(?=m)(?<!m)", "(?<m>a)(?=m)(?<!m)"},
                 {"a{,3}b{2}c{,}{x}", "a{0,3}b{2}c{0,}{x}"},
                 {"[[:alpha:]-]\\[[(?m)]", "[[:alpha:]-]\\[[(?m)]"},
                 {"\\\\w\\p{L}\\", "\\\\w\\p{L}\\"},
                 {"[\\b]\xe2\x96\x81", "[\\b]\xe2\x96\x81"}};
    fh_buf out;
    fh_buf_init(&out, fh_test_allocator(state), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_buf_truncate(&out, 0);
        fh_assert_ok(fh_dialect_translate(fh_span_of_str(cases[i].ruby), &out, NULL));
        fh_assert_span(fh_buf_view(&out), cases[i].pcre);
    }
    fh_buf_deinit(&out);
}

static void test_refused(void **state) {
    static const struct {
        const char *ruby;
        size_t at;
        const char *says;
    } cases[] = {{"a[b[c]]", 3, "class within a class"}, {"[a&&b]", 2, "&&"},          {"a{1,2}+", 1, "{n,m}+"},
                 {"[\\W]", 1, "in a class"},             {"x[a\\S]", 3, "in a class"}, {"[\\H]", 1, "in a class"},
                 {"\\u00g0", 0, "four hexadecimal"},     {"[[:a", 1, "without :]"}};
    fh_buf out;
    fh_buf_init(&out, fh_test_allocator(state), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_dialect_translate(fh_span_of_str(cases[i].ruby), &out, &err), FH_UNSUPPORTED);
        fh_assert_err(&err, FH_UNSUPPORTED, cases[i].says);
        assert_int_equal(err.offset_bytes, cases[i].at);
    }
    fh_buf_deinit(&out);
}

/* Checked against the reference: which characters belong to words, and where words begin and end. */
static void test_meaning(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static const struct {
        const char *ruby, *text;
        size_t begin, end;
    } cases[] = {{"\\w+", "-a\xcc\x81\xc2\xb2\xe2\x85\xa7_1-", 1, 11},        /* mark, superscript, numeral, underscore */
                 {"[^\\w\\s]+", "a\xc2\xbf\xc2\xbd_", 1, 5},                   /* in a class a fraction is none */
                 {"\\w+", "\xe2\x91\xa0x", 3, 4},                            /* a circled digit is none */
                 {"\\W+", "a\xe2\x91\xa0\xe1\xa0\x8e.b", 1, 8},
                 {"\\s+", "\xe1\xa0\x8e\xc2\x85 ", 3, 6},                    /* U+180E is no space */
                 {"\\S+", " \xe1\xa0\x8e ", 1, 4},
                 {"a\\b", "ab a\xcc\x81 a", 7, 8},
                 {"a\\B", "a a\xcc\x81", 2, 3},
                 {"(?m:a.)", "a\n", 0, 2},
                 {"a.", "a\nab", 2, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_regex *re = NULL;
        fh_finder f;
        fh_match m;
        fh_assert_ok(fh_regex_new(a, fh_span_of_str(cases[i].ruby), &re, NULL));
        fh_finder_init(&f, a);
        fh_finder_start(&f);
        fh_assert_ok(fh_finder_next(&f, re, fh_span_of_str(cases[i].text), &m));
        assert_int_equal(m.begin, cases[i].begin);
        assert_int_equal(m.end, cases[i].end);
        fh_finder_deinit(&f);
        fh_regex_free(re);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_written), FH_TEST_ALLOC(test_refused), FH_TEST_ALLOC(test_meaning)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
