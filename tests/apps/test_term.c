/* test_term.c: what reaches a stream: escaping, failures that stick, numbers for people, silence of bars off a terminal.
 *
 * Threading: one thread. */
#include "apps/term.h"

#include "fh_test.h"

/* A sink that keeps what it gets and can be told to fail from some byte on. */
typedef struct catcher {
    fh_buf got;
    size_t fail_after;
    unsigned calls;
} catcher;

static fh_status catch_bytes(void *ctx, fh_span bytes, fh_err *err) {
    catcher *c = ctx;
    c->calls++;
    if (c->got.size + bytes.size > c->fail_after)
        return fh_fail(err, FH_IO, FH_NO_OFFSET, "full");
    return fh_buf_put(&c->got, bytes);
}

static void open_term(void **state, fh_term *t, catcher *c) {
    *c = (catcher){.fail_after = SIZE_MAX};
    fh_buf_init(&c->got, fh_test_allocator(state), 0);
    fh_term_init(t, fh_test_allocator(state), (fh_sink){c, catch_bytes});
}

static void close_term(fh_term *t, catcher *c) {
    fh_term_rest(t);
    fh_buf_deinit(&c->got);
}

static void test_safe_text(void **state) {
    static const struct {
        fh_span text;
        bool lines;
        size_t columns;
        const char *shown;
    } cases[] = {
        {{(const uint8_t *)"plain", 5}, false, 0, "plain"},
        {{(const uint8_t *)"\x1b[31mred", 8}, true, 0, "\\x1b[31mred"},
        {{(const uint8_t *)"a\nb\tc", 5}, true, 0, "a\nb\tc"},
        {{(const uint8_t *)"a\nb\tc", 5}, false, 0, "a\\x0ab\\x09c"},
        {{(const uint8_t *)"a\rb", 3}, true, 0, "a\\x0db"},
        {{(const uint8_t *)"\x7f\0", 2}, true, 0, "\\x7f\\x00"},
        {{(const uint8_t *)"\xc2\x9b" "1m", 4}, true, 0, "\\u{009b}1m"},          /* C1 control sequence introducer */
        {{(const uint8_t *)"\xe2\x80\xae" "gpj", 6}, true, 0, "\\u{202e}gpj"},    /* right-to-left override */
        {{(const uint8_t *)"\xff\xc3", 2}, true, 0, "\\xff\\xc3"},
        {{(const uint8_t *)"\xc3\xa9\xe2\x82\xac", 5}, false, 0, "\xc3\xa9\xe2\x82\xac"},
        {{(const uint8_t *)"abcdef", 6}, false, 4, "abc…"},
        {{(const uint8_t *)"abcd", 4}, false, 4, "abcd"},
        {{(const uint8_t *)"", 0}, false, 4, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fh_term t;
        catcher c;
        open_term(state, &t, &c);
        (void)fh_term_put_safe(&t, cases[i].text, cases[i].lines, cases[i].columns);
        fh_term_flush(&t);
        fh_assert_span(fh_buf_view(&c.got), cases[i].shown);
        close_term(&t, &c);
    }
}

/* After a failure nothing more is handed on, and the status stays. */
static void test_failure_sticks(void **state) {
    fh_term t;
    catcher c;
    open_term(state, &t, &c);
    c.fail_after = 10;
    FH_SAY(&t, "%d", 12345);
    fh_term_flush(&t);
    fh_assert_ok(t.status);
    FH_SAY(&t, "%s", "678901");
    fh_term_flush(&t);
    fh_assert_code(t.status, FH_IO);
    unsigned calls = c.calls;
    FH_SAY(&t, "x");
    fh_term_flush(&t);
    assert_int_equal(c.calls, calls);
    fh_assert_code(t.status, FH_IO);
    fh_assert_span(fh_buf_view(&c.got), "12345");
    close_term(&t, &c);
}

/* Much text is handed on before it is flushed, and memory comes back. */
static void test_gathering(void **state) {
    fh_term t;
    catcher c;
    open_term(state, &t, &c);
    for (int i = 0; i < 20000; i++)
        FH_SAY(&t, "%d\n", i);
    assert_true(c.calls > 1 && c.calls < 20);
    fh_term_rest(&t);
    assert_true(t.text.capacity == 0);
    assert_true(c.got.size == 108890);
    close_term(&t, &c);
}

static fh_status say_much(fh_allocator *a, void *arg) {
    catcher *c = arg;
    fh_buf_truncate(&c->got, 0);
    fh_term t;
    fh_term_init(&t, a, (fh_sink){c, catch_bytes});
    for (int i = 0; i < 1000; i++)
        FH_SAY(&t, "%d\n", i);
    fh_term_rest(&t);
    return t.status;
}

static void test_no_memory(void **state) {
    catcher c = {.fail_after = SIZE_MAX};
    fh_buf_init(&c.got, fh_heap(), 0);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), say_much, &c) > 0);
    fh_buf_deinit(&c.got);
}

static void test_words(void **state) {
    (void)state;
    assert_string_equal(fh_word_bytes(0).text, "0 bytes");
    assert_string_equal(fh_word_bytes(1).text, "1 byte");
    assert_string_equal(fh_word_bytes(1023).text, "1023 bytes");
    assert_string_equal(fh_word_bytes(1024).text, "1.0 KiB");
    assert_string_equal(fh_word_bytes(1185376).text, "1.1 MiB");
    assert_string_equal(fh_word_bytes(UINT64_C(3) << 39).text, "1.5 TiB");
    assert_string_equal(fh_word_bytes(UINT64_MAX).text, "16.0 EiB");
    assert_string_equal(fh_word_count(0).text, "0");
    assert_string_equal(fh_word_count(999).text, "999");
    assert_string_equal(fh_word_count(1000).text, "1,000");
    assert_string_equal(fh_word_count(1185376).text, "1,185,376");
    assert_string_equal(fh_word_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
    assert_string_equal(fh_word_short(7).text, "7");
    assert_string_equal(fh_word_short(999).text, "999");
    assert_string_equal(fh_word_short(1000).text, "1.00 K");
    assert_string_equal(fh_word_short(260032).text, "260 K");
    assert_string_equal(fh_word_short(45678901).text, "45.7 M");
    assert_string_equal(fh_word_short(1100048384).text, "1.10 B");
    assert_string_equal(fh_word_short(UINT64_C(671000000000)).text, "671 B");
    assert_string_equal(fh_word_share(1, 3).text, "33.3 %");
    assert_string_equal(fh_word_share(3, 3).text, "100.0 %");
    assert_string_equal(fh_word_share(0, 0).text, "0.0 %");
}

/* No bar, no colour where nobody looks; a bar where somebody does. */
static void test_progress(void **state) {
    fh_term t;
    catcher c;
    open_term(state, &t, &c);
    fh_progress bar = fh_progress_begin(&t, "work", false);
    fh_progress_now(&bar, 10);
    fh_progress_show(&bar, 5, 10);
    fh_progress_end(&bar);
    assert_true(c.got.size == 0);
    assert_string_equal(fh_term_style(&t, FH_RED), "");

    t.terminal = true;
    bar = fh_progress_begin(&t, "work", true);
    fh_progress_show(&bar, 1, 10); /* too early */
    assert_true(c.got.size == 0);
    fh_progress_now(&bar, 2048);
    assert_true(fh_span_find(fh_buf_view(&c.got), FH_LIT("  0 %  0 bytes of 2.0 KiB"), 0) != SIZE_MAX);
    fh_progress_show(&bar, 2048, 2048);
    assert_true(fh_span_find(fh_buf_view(&c.got), FH_LIT("100 %"), 0) != SIZE_MAX);
    fh_progress_end(&bar);
    fh_span all = fh_buf_view(&c.got);
    fh_assert_span(fh_span_from(all, all.size - 4), "\r\x1b[K");
    size_t size = c.got.size;
    fh_progress_end(&bar); /* there is nothing left to take off */
    assert_true(c.got.size == size);
    close_term(&t, &c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_safe_text), FH_TEST_ALLOC(test_failure_sticks), FH_TEST_ALLOC(test_gathering),
        FH_TEST_ALLOC(test_no_memory), cmocka_unit_test(test_words),       FH_TEST_ALLOC(test_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
