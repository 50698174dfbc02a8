/* test_fmath.c: the elementary functions against libm in higher precision, and float16 exhaustively.
 *
 * Threading: single. */
#include <math.h>
#include <string.h>

#include "freehold/fmath.h"
#include "support/fh_test.h"

/* Error of got against exact, in units of the last place of a float32. */
static double ulps(float got, double exact) {
    float near = (float)exact;
    double unit = (double)nextafterf(fabsf(near), INFINITY) - fabs((double)near);
    return fabs((double)got - exact) / unit;
}

static void test_expf(void **state) {
    (void)state;
    double worst = 0;
    for (uint32_t u = 0; u < 0xc2c00000u; u += u < 0x3a000000u ? 65537 : 331) { /* both signs, zero to beyond the ends */
        float x = fh_f32_of_bits(u), y = fh_expf(x);
        if (u > 0x42c00000u && u < 0x80000000u)
            u = 0x80000000u;
        uint32_t bits = fh_bits_of_f32(y);
        assert_true(bits == 0 || bits >= 0x00800000u); /* no denormal results, no signs */
        if (x > -87.33f && x < 88.72f)
            worst = fmax(worst, ulps(y, exp((double)x)));
    }
    print_message("fh_expf: at most %.3f ulp\n", worst);
    assert_true(worst < 2.0);
    assert_true(fh_expf(0.0f) == 1.0f && fh_expf(-0.0f) == 1.0f);
    assert_true(fh_expf(-87.34f) == 0.0f && fh_expf(-INFINITY) == 0.0f && fh_expf(-3e38f) == 0.0f);
    assert_true(fh_expf(88.73f) == INFINITY && fh_expf(INFINITY) == INFINITY && fh_expf(88.7f) < INFINITY);
    assert_int_equal(fh_bits_of_f32(fh_expf(fh_f32_of_bits(0xffc12345u))), 0x7fc00000u);
    for (uint32_t u = 0xc2aeac00u; u < 0xc2aeadffu; u++) { /* around the cut to zero, every float */
        uint32_t bits = fh_bits_of_f32(fh_expf(fh_f32_of_bits(u)));
        assert_true(bits == 0 || bits >= 0x00800000u);
    }
}

static double relative(double got, long double exact) {
    return (double)fabsl(((long double)got - exact) / exact);
}

static void test_exp_log(void **state) {
    (void)state;
    fh_test_rng rng = fh_test_rng_new(1);
    double worst_exp = 0, worst_log = 0;
    for (unsigned i = 0; i < 300000; i++) {
        double x = ((double)fh_test_rng_below(&rng, 2000000001) * 1e-9 - 1.0) * (i % 2 ? 700.0 : 1.0);
        worst_exp = fmax(worst_exp, relative(fh_exp(x), expl((long double)x)));
        double y = i % 3 == 0 ? exp(x) : i % 3 == 1 ? 1.0 + x * 1e-6 : 1.0 + fabs(x);
        if (y != 1.0)
            worst_log = fmax(worst_log, relative(fh_log(y), logl((long double)y)));
    }
    print_message("fh_exp: %.3g, fh_log: %.3g relative\n", worst_exp, worst_log);
    assert_true(worst_exp < 1e-14 && worst_log < 1e-14);
    assert_true(fh_log(1.0) == 0.0 && fh_exp(0.0) == 1.0);
    assert_true(relative(fh_log(0x1p-1074), logl(0x1p-1074L)) < 1e-14);
    assert_true(relative(fh_log(1.7e308), logl(1.7e308L)) < 1e-14);
}

static void test_sincos(void **state) {
    (void)state;
    fh_test_rng rng = fh_test_rng_new(2);
    double worst = 0;
    for (unsigned i = 0; i < 400000; i++) {
        double scale = i % 4 == 0 ? 1.0 : i % 4 == 1 ? 1000.0 : i % 4 == 2 ? 1e6 : 0x1p30;
        double x = ((double)fh_test_rng_below(&rng, 2000000001) * 1e-9 - 1.0) * scale, s = 0, c = 0;
        if (i % 5 == 0) /* near multiples of π/2, where the reduction cancels most */
            x = floor(x) * 1.57079632679489661923;
        fh_sincos(x, &s, &c);
        worst = fmax(worst, (double)fabsl((long double)s - sinl((long double)x)));
        worst = fmax(worst, (double)fabsl((long double)c - cosl((long double)x)));
    }
    print_message("fh_sincos: %.3g absolute\n", worst);
    assert_true(worst < 1e-14);
    double s = 1, c = 0;
    fh_sincos(0.0, &s, &c);
    assert_true(s == 0.0 && c == 1.0);
}

/* The exact value of a float16. */
static double half_value(unsigned h) {
    unsigned e = h >> 10 & 31u, m = h & 0x3ffu;
    double v = e == 0 ? ldexp(m, -24) : e == 31 ? (m ? NAN : INFINITY) : ldexp(1024 + m, (int)e - 25);
    return h & 0x8000u ? -v : v;
}

static void test_half(void **state) {
    (void)state;
    for (unsigned h = 0; h < 0x10000u; h++) {
        float x = fh_f32_of_f16((unsigned short)h);
        double v = half_value(h);
        if (v != v) {
            assert_true(x != x);
            assert_int_equal(fh_f16_of_f32(x), 0x7e00);
            continue;
        }
        assert_true((double)x == v && !signbit(x) == !signbit(v));
        assert_int_equal(fh_f16_of_f32(x), h);
        if ((h & 0x7fffu) >= 0x7bffu)
            continue;
        /* between h and its successor: below the middle, the middle (to even), above it */
        double next = half_value(h + 1), middle = (v + next) / 2;
        float at = (float)middle, below = nextafterf(at, (float)v), above = nextafterf(at, (float)next);
        assert_true((double)at == middle);
        assert_int_equal(fh_f16_of_f32(below), h);
        assert_int_equal(fh_f16_of_f32(above), h + 1);
        assert_int_equal(fh_f16_of_f32(at), h % 2 == 0 ? h : h + 1);
    }
    assert_int_equal(fh_f16_of_f32(65519.996f), 0x7bff);
    assert_int_equal(fh_f16_of_f32(65520.0f), 0x7c00);
    assert_int_equal(fh_f16_of_f32(-1e38f), 0xfc00);
    assert_int_equal(fh_f16_of_f32(0x1p-149f), 0);
    assert_int_equal(fh_f16_of_f32(-0x1p-26f), 0x8000);
}

static void test_bfloat(void **state) {
    (void)state;
    for (unsigned h = 0; h < 0x10000u; h++) {
        float x = fh_f32_of_bf16((unsigned short)h);
        assert_int_equal(fh_bits_of_f32(x), h << 16);
        assert_int_equal(fh_bf16_of_f32(x), x != x ? 0x7fc0u : h);
        if (x == x && (h & 0x7fffu) < 0x7f7fu) {
            assert_int_equal(fh_bf16_of_f32(fh_f32_of_bits(h << 16 | 0x7fff)), h);
            assert_int_equal(fh_bf16_of_f32(fh_f32_of_bits(h << 16 | 0x8000)), h + h % 2);
            assert_int_equal(fh_bf16_of_f32(fh_f32_of_bits(h << 16 | 0x8001)), h + 1);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_expf), cmocka_unit_test(test_exp_log),
                                       cmocka_unit_test(test_sincos), cmocka_unit_test(test_half),
                                       cmocka_unit_test(test_bfloat)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
