/* test_starts.c: where words may begin: sets by hand, and the vector form against the plain one. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include <sys/mman.h>
#include <unistd.h>

#include "support/fh_test.h"
#include "text/kern/mask.h"
#include "text/kern/starts.h"

static fh_byte_set set_of(fh_span bytes) {
    fh_byte_set set = {{{0}, {0}}};
    for (size_t i = 0; i < bytes.size; i++)
        fh_byte_set_put(&set, fh_span_at(bytes, i));
    return set;
}

static void test_sets(void **state) {
    (void)state;
    for (unsigned b = 0; b < 256; b++) {
        fh_byte_set set = {{{0}, {0}}};
        fh_byte_set_put(&set, (uint8_t)b);
        for (unsigned other = 0; other < 256; other++)
            assert_int_equal(fh_byte_set_has(&set, (uint8_t)other), other == b);
    }
}

static void test_by_hand(void **state) {
    (void)state;
    fh_starts s = {set_of(FH_LIT("<[")), set_of(FH_LIT("|I"))};
    assert_int_equal(fh_starts_plain(&s, FH_LIT("a < b [<|x"), 0), 7);
    assert_int_equal(fh_starts_plain(&s, FH_LIT("a < b [<|x"), 8), 10);
    assert_int_equal(fh_starts_plain(&s, FH_LIT("the last is <"), 0), 12); /* nothing behind it speaks against it */
    assert_int_equal(fh_starts_plain(&s, FH_LIT(""), 0), 0);
    assert_int_equal(fh_starts_plain(&s, FH_LIT("[I"), 2), 2);
}

static void same(const fh_starts *s, fh_span text) {
    for (size_t at = 0; at <= text.size; at++) {
        size_t expected = fh_starts_plain(s, text, at);
        assert_int_equal(fh_starts_best()(s, text, at), expected);
#if defined(__x86_64__)
        if (fh_masks_has_avx2())
            assert_int_equal(fh_starts_avx2(s, text, at), expected);
#endif
    }
}

/* Each single byte, then random sets, rare and frequent, in texts of every size. */
static void test_same_places(void **state) {
    (void)state;
    uint8_t text[200] = {0};
    fh_test_rng rng = fh_test_rng_new(7);
    for (unsigned b = 0; b < 256; b++)
        text[b % 200] = (uint8_t)b;
    for (unsigned b = 0; b < 256; b++) {
        fh_starts s = {{{{0}, {0}}}, {{{0}, {0}}}};
        fh_byte_set_put(&s.first, (uint8_t)b);
        fh_byte_set_put(&s.second, (uint8_t)(b + 1));
        same(&s, (fh_span){text, sizeof text});
    }
    for (size_t round = 0; round < 300; round++) {
        fh_starts s = {{{{0}, {0}}}, {{{0}, {0}}}};
        for (size_t k = fh_test_rng_below(&rng, 60) + 1; k-- > 0;) {
            fh_byte_set_put(&s.first, (uint8_t)fh_test_rng_next(&rng));
            fh_byte_set_put(&s.second, (uint8_t)fh_test_rng_next(&rng));
        }
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (uint8_t)fh_test_rng_next(&rng);
        same(&s, (fh_span){text, fh_test_rng_below(&rng, sizeof text + 1)});
    }
}

/* A text that ends where a page ends, before one that may not be read. */
static void test_ends_of_pages(void **state) {
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(at != MAP_FAILED);
    assert_int_equal(mprotect(at + page, page, PROT_NONE), 0);
    fh_starts s = {set_of(FH_LIT("\x7f")), set_of(FH_LIT("\x80"))};
    for (size_t size = 0; size <= 130; size++)
        same(&s, (fh_span){at + page - size, size});
    munmap(at, 2 * page);
}

#if defined(__x86_64__)
static void past_the_end(void *arg) {
    fh_starts_avx2(arg, FH_LIT("abc"), 4);
}

static void test_place_is_checked(void **state) {
    (void)state;
    fh_starts s = {set_of(FH_LIT("a")), set_of(FH_LIT("b"))};
    if (fh_masks_has_avx2())
        fh_assert_dies(past_the_end, &s, "at <= text.size");
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets),          cmocka_unit_test(test_by_hand), cmocka_unit_test(test_same_places),
        cmocka_unit_test(test_ends_of_pages),
#if defined(__x86_64__)
        cmocka_unit_test(test_place_is_checked),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
