/* test_scan.c: the scanners against PCRE2 with the expressions themselves, and by hand where a Unicode is too new for it. */
#include "scan_text.h"
#include "text/kern/pcre.h"
#include "text/pipe/scan.h"
#include "scan_patterns.h"

static void test_known(void **state) {
    (void)state;
    for (int i = FH_SCAN_NONE + 1; i < FH_SCAN_COUNT; i++) {
        fh_span pattern = fh_span_of_str(scan_patterns[i]);
        assert_int_equal(fh_scan_of(pattern), i);
        assert_int_equal(fh_scan_of(fh_span_sub(pattern, 0, pattern.size - 1)), FH_SCAN_NONE);
    }
    assert_int_equal(fh_scan_of(FH_LIT("")), FH_SCAN_NONE);
}

/* All pieces of a text are the matches of the expression. */
static void same(const fh_pcre *re, fh_pcre_room *room, fh_scan scan, fh_span text) {
    for (size_t at = 0; at < text.size;) {
        size_t begin = 0, end = 0, got = fh_scan_end(scan, text, at);
        fh_assert_ok(fh_pcre_find(re, room, text, at, &begin, &end));
        if (begin != at || end != got)
            fail_msg("scan %d at %zu of \"%.*s\": [%zu, %zu) by PCRE2, to %zu by the scanner", (int)scan, at, (int)text.size,
                     (const char *)text.at, begin, end, got);
        at = end;
    }
}

static void test_against_pcre(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_pcre_room *room = NULL;
    fh_assert_ok(fh_pcre_room_new(a, &room));
    for (int i = FH_SCAN_NONE + 1; i < FH_SCAN_COUNT; i++) {
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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known), FH_TEST_ALLOC(test_against_pcre)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
