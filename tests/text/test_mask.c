/* test_mask.c: the masks of a window, by hand, and every kernel against the plain one. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include <sys/mman.h>
#include <unistd.h>

#include "support/fh_test.h"
#include "text/kern/mask.h"

static void test_by_hand(void **state) {
    (void)state;
    struct fh_masks m;
    assert_int_equal(fh_masks_plain(FH_LIT("aZ09 \t\r\n'/_\x7f\x80\xff."), 0, &m), 15);
    assert_int_equal(m.lower, 1u << 0);
    assert_int_equal(m.upper, 1u << 1);
    assert_int_equal(m.digit, 3u << 2);
    assert_int_equal(m.space, 15u << 4);
    assert_int_equal(m.blank, 1u << 4);
    assert_int_equal(m.line, 3u << 6);
    assert_int_equal(m.apostrophe, 1u << 8);
    assert_int_equal(m.slash, 1u << 9);
    assert_int_equal(m.underscore, 1u << 10);
    assert_int_equal(m.control, 7u << 5 | 1u << 11);
    assert_int_equal(m.high, 3u << 12);
    assert_int_equal(fh_masks_plain(FH_LIT("abc"), 2, &m), 1);
    assert_int_equal(m.lower, 1);
    assert_int_equal(fh_masks_plain(FH_LIT("abc"), 3, &m), 0);
    assert_int_equal(m.lower | m.control, 0);
}

/* The small kernels say what the plain masks do. */
static void same_gaps(fh_span text, size_t at, const struct fh_masks *expected, size_t size) {
    fh_gaps_fn *fn[4] = {fh_gaps_plain, fh_gaps_best()};
    size_t count = 2;
#if defined(__x86_64__)
    if (fh_masks_has_avx2())
        fn[count++] = fh_gaps_avx2;
    if (fh_masks_has_avx512())
        fn[count++] = fh_gaps_avx512;
#endif
    for (size_t k = 0; k < count; k++) {
        struct fh_gaps got;
        assert_int_equal(fn[k](text, at, &got), size);
        assert_true(got.high == expected->high && got.space == expected->space);
    }
}

/* The kernels that this processor runs. */
static size_t kernels(fh_masks_fn *out[3]) {
    size_t count = 0;
    out[count++] = fh_masks_best();
#if defined(__x86_64__)
    if (fh_masks_has_avx2())
        out[count++] = fh_masks_avx2;
    if (fh_masks_has_avx512())
        out[count++] = fh_masks_avx512;
#endif
    return count;
}

static void same(fh_span text, size_t at) {
    fh_masks_fn *fn[3];
    struct fh_masks expected, got;
    size_t size = fh_masks_plain(text, at, &expected);
    same_gaps(text, at, &expected, size);
    for (size_t k = kernels(fn); k-- > 0;) {
        assert_int_equal(fn[k](text, at, &got), size);
        assert_memory_equal(&got, &expected, sizeof got);
    }
}

/* Each byte at each place, in windows of every size, and random windows. */
static void test_same_bits(void **state) {
    (void)state;
    uint8_t text[200] = {0};
    fh_test_rng rng = fh_test_rng_new(5);
    for (size_t b = 0; b < 256; b++) {
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (uint8_t)(b + (i % 7 == 0 ? i : 0));
        for (size_t size = 0; size <= 66; size++)
            same((fh_span){text, size}, 0);
    }
    for (size_t round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (uint8_t)fh_test_rng_next(&rng);
        same((fh_span){text, sizeof text}, fh_test_rng_below(&rng, sizeof text + 1));
    }
}

/* A text that ends where a page ends, before one that may not be read. */
static void test_ends_of_pages(void **state) {
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(at != MAP_FAILED);
    assert_int_equal(mprotect(at + page, page, PROT_NONE), 0);
    for (size_t i = 0; i < page; i++)
        at[i] = (uint8_t)i;
    for (size_t size = 0; size <= 130; size++)
        for (size_t from = 0; from <= size; from += 13)
            same((fh_span){at + page - size, size}, from);
    munmap(at, 2 * page);
}

static void past_the_end(void *arg) {
    struct fh_masks m;
    ((fh_masks_fn **)arg)[0](FH_LIT("abc"), 4, &m);
}

static void gaps_past_the_end(void *arg) {
    struct fh_gaps m;
    (void)arg;
    fh_gaps_best()(FH_LIT("abc"), 4, &m);
}

static void test_place_is_checked(void **state) {
    (void)state;
    fh_masks_fn *fn[3];
    for (size_t k = kernels(fn); k-- > 0;)
        fh_assert_dies(past_the_end, fn + k, "at <= text.size");
    fh_assert_dies(gaps_past_the_end, NULL, "at <= text.size");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_by_hand), cmocka_unit_test(test_same_bits),
                                       cmocka_unit_test(test_ends_of_pages), cmocka_unit_test(test_place_is_checked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
