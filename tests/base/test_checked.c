/* test_checked.c: checked integers against arithmetic of twice the width. */
#include "fh_test.h"

#include "freehold/checked.h"

__extension__ typedef unsigned __int128 wide;

/* Numbers at which something changes. */
static const uint64_t edges[] = {0, 1, 2, 3, 63, 64, 65, 4095, 4096, UINT32_MAX, UINT64_C(1) << 32, (UINT64_C(1) << 32) + 1,
                                 INT64_MAX, UINT64_C(1) << 63, (UINT64_C(1) << 63) + 1, UINT64_MAX - 63, UINT64_MAX - 1,
                                 UINT64_MAX};
enum { EDGES = sizeof edges / sizeof edges[0] };

static void check_pair(uint64_t a, uint64_t b) {
    uint64_t out = 99;
    size_t size = 99;
    wide sum = (wide)a + b, product = (wide)a * b;
    assert_int_equal(fh_add_u64(a, b, &out), sum <= UINT64_MAX);
    assert_true(out == (sum <= UINT64_MAX ? (uint64_t)sum : 0));
    assert_int_equal(fh_mul_u64(a, b, &out), product <= UINT64_MAX);
    assert_true(out == (product <= UINT64_MAX ? (uint64_t)product : 0));
    if (a > SIZE_MAX || b > SIZE_MAX)
        return;
    assert_int_equal(fh_add_size((size_t)a, (size_t)b, &size), sum <= SIZE_MAX);
    assert_true(size == (sum <= SIZE_MAX ? (size_t)sum : 0));
    assert_int_equal(fh_mul_size((size_t)a, (size_t)b, &size), product <= SIZE_MAX);
    assert_true(size == (product <= SIZE_MAX ? (size_t)product : 0));
}

static void test_add_mul(void **state) {
    (void)state;
    for (size_t i = 0; i < EDGES; i++)
        for (size_t k = 0; k < EDGES; k++)
            check_pair(edges[i], edges[k]);
    fh_test_rng rng = fh_test_rng_new(2);
    for (int i = 0; i < 100000; i++) {
        uint64_t a = fh_test_rng_next(&rng) >> fh_test_rng_below(&rng, 64);
        uint64_t b = fh_test_rng_next(&rng) >> fh_test_rng_below(&rng, 64);
        check_pair(a, b);
    }
}

static void test_align(void **state) {
    (void)state;
    for (size_t i = 0; i < EDGES; i++)
        for (unsigned bit = 0; bit < 64; bit++) {
            uint64_t align = UINT64_C(1) << bit, out = 99;
            wide up = ((wide)edges[i] + align - 1) / align * align;
            size_t size = 99;
            assert_int_equal(fh_align_up_u64(edges[i], align, &out), up <= UINT64_MAX);
            assert_true(out == (up <= UINT64_MAX ? (uint64_t)up : 0));
            assert_int_equal(fh_align_up_size((size_t)edges[i], (size_t)align, &size), up <= SIZE_MAX);
            assert_true(size == (up <= SIZE_MAX ? (size_t)up : 0));
        }
    static const uint64_t no_powers[] = {0, 3, 6, 12, 96, UINT64_MAX};
    for (size_t i = 0; i < sizeof no_powers / sizeof no_powers[0]; i++) {
        uint64_t out = 99;
        assert_false(fh_align_up_u64(8, no_powers[i], &out));
        assert_true(out == 0);
    }
}

static void test_to_size(void **state) {
    (void)state;
    for (size_t i = 0; i < EDGES; i++) {
        size_t out = 99;
        assert_int_equal(fh_u64_to_size(edges[i], &out), edges[i] <= SIZE_MAX);
        assert_true(out == (edges[i] <= SIZE_MAX ? (size_t)edges[i] : 0));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_mul),
        cmocka_unit_test(test_align),
        cmocka_unit_test(test_to_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
