/* test_scan.c: the scanners against PCRE2 with the expressions themselves, and by hand where a Unicode is too new for it. */
#include "scan_text.h"
#include "text/kern/pcre.h"
#include "text/pipe/scan.h"
#include "scan_patterns.h"

static void test_known(void **state) {
    (void)state;
    for (int i = FH_SCAN_NONE + 1; i < FH_SCAN_DEEPSEEK3; i++) {
        fh_span pattern = fh_span_of_str(scan_patterns[i]);
        assert_int_equal(fh_scan_of(pattern), i);
        assert_int_equal(fh_scan_of(fh_span_sub(pattern, 0, pattern.size - 1)), FH_SCAN_NONE);
    }
    assert_int_equal(fh_scan_of(FH_LIT("")), FH_SCAN_NONE);
}

/* The next stretch of the expression: a match, or what lies before one. */
static size_t by_pcre(const fh_pcre *re, fh_pcre_room *room, fh_span text, size_t at, bool *match) {
    size_t begin = 0, end = 0;
    fh_status s = fh_pcre_find(re, room, text, at, &begin, &end);
    *match = s.code == FH_OK && begin == at;
    return s.code == FH_END ? text.size : *match ? end : begin;
}

static void differ(fh_scan scan, fh_span text, size_t at, size_t expected, size_t got) {
    if (expected != got)
        fail_msg("%s at %zu of \"%.*s\": to %zu by PCRE2, to %zu by the scanner", scan_names[scan], at, (int)text.size,
                 (const char *)text.at, expected, got);
}

/* All stretches of a text are those of the expression. */
static void same(const fh_pcre *re, fh_pcre_room *room, fh_scan scan, fh_span text) {
    for (size_t at = 0; at < text.size;) {
        bool expected, got;
        size_t end = by_pcre(re, room, text, at, &expected);
        differ(scan, text, at, end, fh_scan_stretch(scan, text, at, &got));
        assert_int_equal(got, expected);
        assert_true(got || !fh_scan_covers(scan));
        at = end;
    }
}

static void test_against_pcre(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_pcre_room *room = NULL;
    fh_assert_ok(fh_pcre_room_new(a, &room));
    for (int i = FH_SCAN_NONE + 1; i < FH_SCAN_DEEPSEEK3; i++) {
        fh_pcre *re = NULL;
        fh_assert_ok(fh_pcre_new(a, fh_span_of_str(scan_patterns[i]), &re, NULL));
        fh_test_rng rng = fh_test_rng_new(1000 + (uint64_t)i);
        uint8_t text[256];
        for (size_t round = 0; round < 20000; round++) {
            size_t room_bytes = 1 + fh_test_rng_below(&rng, round % 4 == 0 ? sizeof text : 24);
            same(re, room, (fh_scan)i, (fh_span){text, fh_scan_text(&rng, text, room_bytes, false)});
        }
        fh_pcre_free(re);
    }
    fh_pcre_room_free(room);
}

/* DeepSeek's three at once cut as the three do, each within the stretches of the one before. */
static void deepseek(fh_span text, size_t at, size_t end, fh_scan scan, size_t *next) {
    fh_span part = fh_span_sub(text, 0, end);
    while (at < end) {
        bool match = false;
        size_t stop = at + fh_scan_stretch(scan, fh_span_from(part, at), 0, &match);
        if (scan == FH_SCAN_DEEPSEEK_WORDS) {
            differ(FH_SCAN_DEEPSEEK3, text, at, stop, fh_scan_end(FH_SCAN_DEEPSEEK3, text, at));
            assert_int_equal(at, *next);
            *next = stop;
        } else {
            deepseek(text, at, stop, (fh_scan)(scan + 1), next);
        }
        at = stop;
    }
}

static void test_deepseek(void **state) {
    (void)state;
    fh_test_rng rng = fh_test_rng_new(3);
    uint8_t text[256];
    for (size_t round = 0; round < 20000; round++) {
        size_t size = fh_scan_text(&rng, text, 1 + fh_test_rng_below(&rng, round % 4 == 0 ? sizeof text : 24), false), next = 0;
        deepseek((fh_span){text, size}, 0, size, FH_SCAN_DIGITS3, &next);
        assert_int_equal(next, size);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known), FH_TEST_ALLOC(test_against_pcre),
                                       cmocka_unit_test(test_deepseek)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
