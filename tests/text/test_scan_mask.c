/* test_scan_mask.c: the scanners by masks give the pieces of the scanners by characters, with every kernel, however the text is
 * taken in. */
#include "scan_text.h"
#include "text/pipe/scan.h"

static size_t kernels(fh_masks_fn *out[3]) {
    size_t count = 0;
    out[count++] = fh_masks_plain;
#if defined(__x86_64__)
    if (fh_masks_has_avx2())
        out[count++] = fh_masks_avx2;
    if (fh_masks_has_avx512())
        out[count++] = fh_masks_avx512;
#endif
    return count;
}

static void same(fh_scan scan, fh_masks_fn *masks, fh_span text, size_t from) {
    uint32_t room[3 * FH_MASK_BYTES];
    fh_u32s ends = {room, FH_MASK_BYTES + from % (2 * FH_MASK_BYTES)};
    size_t place = from;
    for (size_t at = from; place < text.size;) {
        size_t count = fh_scan_ends(scan, masks, text, &place, ends);
        assert_true(count > 0 && count <= ends.count);
        for (size_t i = 0; i < count; i++) {
            size_t expected = fh_scan_end(scan, text, at);
            if (room[i] != expected)
                fail_msg("scan %d from %zu, piece at %zu of \"%.*s\": ends at %zu, by masks at %u", (int)scan, from, at,
                         (int)text.size, (const char *)text.at, expected, room[i]);
            at = expected;
        }
        assert_int_equal(at, place);
    }
}

static void test_random(void **state) {
    (void)state;
    fh_masks_fn *fn[3];
    size_t count = kernels(fn);
    fh_test_rng rng = fh_test_rng_new(77);
    uint8_t text[400];
    for (size_t round = 0; round < 40000; round++) {
        size_t size = fh_scan_text(&rng, text, 1 + fh_test_rng_below(&rng, sizeof text), round % 2 == 0);
        fh_scan scan = (fh_scan)(FH_SCAN_NONE + 1 + fh_test_rng_below(&rng, FH_SCAN_COUNT - 1));
        same(scan, fn[round % count], (fh_span){text, size}, 0);
    }
}

/* Every text of up to six characters of a small alphabet, at both ends of a window. */
static void test_all_short(void **state) {
    (void)state;
    static const char alphabet[] = "a s'1 \n.";
    enum { LETTERS = sizeof alphabet - 1, LENGTH = 5 };
    uint8_t text[64 + LENGTH];
    size_t all = 1;
    for (size_t i = 0; i < LENGTH; i++)
        all *= LETTERS;
    size_t step = fh_test_ops() < 1000000 ? 7 : 1;
    for (size_t n = 0; n < all; n += step) {
        for (size_t i = 0, rest = n; i < LENGTH; i++, rest /= LETTERS)
            text[61 + i] = text[i] = (uint8_t)alphabet[rest % LETTERS];
        for (size_t i = LENGTH; i < 61; i++)
            text[i] = i % 5 == 0 ? ' ' : 'b';
        for (int scan = FH_SCAN_NONE + 1; scan < FH_SCAN_COUNT; scan++) {
            same((fh_scan)scan, fh_masks_best(), (fh_span){text, LENGTH}, 0);
            if (n % 3 == 0)
                same((fh_scan)scan, fh_masks_best(), (fh_span){text, 61 + LENGTH}, 0);
        }
    }
}

/* Any bytes at all. */
static void test_not_utf8(void **state) {
    (void)state;
    fh_test_rng rng = fh_test_rng_new(78);
    uint8_t text[200];
    for (size_t round = 0; round < 5000; round++) {
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (uint8_t)(fh_test_rng_below(&rng, 9) == 0 ? fh_test_rng_next(&rng) : 32 + fh_test_rng_below(&rng, 80));
        same((fh_scan)(1 + round % (FH_SCAN_COUNT - 1)), fh_masks_best(), (fh_span){text, sizeof text}, round % sizeof text);
    }
}

/* A megabyte of one unit stays a matter of a few passes, however its runs end. */
static void test_long_runs(void **state) {
    (void)state;
    static uint8_t text[1 << 20];
    static const char *const units[] = {" ", "\n", " \n", "a", "1", "'", ".", "\t", "\xff", "' ", " '", "'s", ".\n/\n", "aB"};
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        fh_span unit = fh_span_of_str(units[u]);
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = fh_span_at(unit, i % unit.size);
        for (int scan = FH_SCAN_NONE + 1; scan < FH_SCAN_COUNT; scan++)
            same((fh_scan)scan, fh_masks_best(), (fh_span){text, fh_test_ops() < 1000000 ? sizeof text / 16 : sizeof text}, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_all_short),
                                       cmocka_unit_test(test_not_utf8), cmocka_unit_test(test_long_runs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
