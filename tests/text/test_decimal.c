/* test_decimal.c: float64 to text and back, against the C library in its "C" locale and against known hard cases. */
#include "text/decimal.h"
#include "support/fh_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t bits_of(double v) {
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

static void check_read(const char *text) {
    double got = -1, expected = strtod(text, NULL);
    bool finite = fh_decimal_read(fh_span_of_str(text), &got);
    if (bits_of(got) != bits_of(expected) || finite != (isfinite(expected) != 0))
        fail_msg("%s is %.17g, expected %.17g", text, got, expected);
}

static void test_read_table(void **state) {
    (void)state;
    static const char *const cases[] = {
        "0",
        "-0",
        "0.0",
        "-0e5",
        "1",
        "-1",
        "10",
        "0.1",
        "0.3",
        "123456789012345",
        "1234567890123456789",
        "1e22",
        "1e23",
        "8.5e23",
        "9007199254740991",
        "9007199254740992",
        "9007199254740993",
        "9007199254740993.0000000000000000000000000000001",
        "9007199254740994.9999999999999999",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1e308",
        "1e309",
        "1e400",
        "-1e400",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "2.2250738585072014e-308",
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "4.9e-324",
        "5e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.5e-324",
        "3e-324",
        "1e-325",
        "0.000000000000000000000000000000000000000001",
        "100000000000000000000000000000000000000000000000",
        "0.5",
        "4503599627370496.5",
        "4503599627370497.5",
        "6929495644600919.5e0",
        "3.5844466002796428e298",
        "1e0000000000000000000022",
        "0e999999999999999999",
        ("179769313486231570814527423731704356798070567525844996598917476803157260780028538760589558632766878171540458953514382"
         "46423432132"
         "688946418276846754670353751698604991057655128207624549009038932894407586850845513394230458323690322294816580855933212"
         "33477479"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_read(cases[i]);
}

/* Midpoints between two float64 have up to 767 digits; one more digit anywhere decides. */
static void test_midpoints(void **state) {
    (void)state;
    static char text[1400];
    fh_test_rng rng = fh_test_rng_new(2);
    for (int round = 0; round < 400; round++) {
        uint64_t bits = fh_test_rng_next(&rng) & INT64_MAX;
        if (round % 4 == 0)
            bits &= (UINT64_C(1) << 53) - 1; /* small and subnormal */
        double low, high;
        memcpy(&low, &bits, 8);
        bits++;
        memcpy(&high, &bits, 8);
        if (!isfinite(high))
            continue;
        /* long double holds the midpoint exactly: it has 64 bits of mantissa. */
        int size = snprintf(text, sizeof text, "%.1100Le", ((long double)low + high) / 2);
        assert_true(size > 0 && size < (int)sizeof text - 8);
        check_read(text);
        char *e = strchr(text, 'e');
        char last = e[-1];
        e[-1] = '1';
        check_read(text);
        e[-1] = last;
    }
}

static void test_read_random(void **state) {
    (void)state;
    fh_test_rng rng = fh_test_rng_new(3);
    for (int round = 0; round < 20000; round++) {
        char text[80];
        size_t n = 0, digits = 1 + fh_test_rng_below(&rng, 30), dot = fh_test_rng_below(&rng, 30);
        for (size_t i = 0; i < digits; i++) {
            if (i == dot && i > 0)
                text[n++] = '.';
            text[n++] = (char)('0' + fh_test_rng_below(&rng, 10));
        }
        int power = (int)fh_test_rng_below(&rng, 700) - 350;
        snprintf(text + n, sizeof text - n, round % 2 ? "e%d" : "E%+d", power);
        check_read(text);
    }
}

/* Writes, reads back, and finds no shorter text that would read back. */
static void check_write(double v) {
    uint8_t out[FH_DECIMAL_BYTES + 1];
    size_t size = fh_decimal_write(v, out);
    out[size] = 0;
    double back;
    assert_true(fh_decimal_read((fh_span){out, size}, &back));
    if (bits_of(back) != bits_of(v) || bits_of(strtod((char *)out, NULL)) != bits_of(v))
        fail_msg("%.17g became %s", v, (char *)out);
    int digits = 0, zeros = 0;
    for (size_t i = 0; i < size && out[i] != 'e'; i++) {
        if (out[i] < '0' || out[i] > '9' || (digits == 0 && out[i] == '0'))
            continue;
        digits += 1 + (out[i] != '0' ? zeros : 0);
        zeros = out[i] == '0' ? zeros + 1 : 0;
        digits -= out[i] == '0';
    }
    char shorter[40];
    snprintf(shorter, sizeof shorter, "%.*e", digits > 1 ? digits - 2 : 0, v);
    if (digits > 1 && bits_of(strtod(shorter, NULL)) == bits_of(v))
        fail_msg("%s has %d digits, %s is shorter", (char *)out, digits, shorter);
}

static void test_write_table(void **state) {
    (void)state;
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {100, "100"},
        {123456789012345680.0, "123456789012345680"},
        {1e20, "100000000000000000000"},
        {1e21, "1e21"},
        {1.5e300, "1.5e300"},
        {1e-5, "0.00001"},
        {1e-6, "0.000001"},
        {1e-7, "1e-7"},
        {1.25e-9, "1.25e-9"},
        {5e-324, "5e-324"},
        {1e-323, "1e-323"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {1.7976931348623157e308, "1.7976931348623157e308"},
        {9007199254740992.0, "9007199254740992"},
        {5.684341886080802e-14, "5.684341886080802e-14"},
        {4.35, "4.35"},
        {9.5367431640625e-7, "9.5367431640625e-7"},
        {-2.2250738585072011e-308, "-2.225073858507201e-308"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[FH_DECIMAL_BYTES];
        size_t size = fh_decimal_write(cases[i].v, out);
        fh_assert_span(((fh_span){out, size}), cases[i].text);
    }
}

static void test_write_random(void **state) {
    (void)state;
    fh_test_rng rng = fh_test_rng_new(4);
    for (int round = 0; round < 3000; round++) {
        uint64_t bits = fh_test_rng_next(&rng);
        if (round % 3 == 0)
            bits &= ~((UINT64_C(1) << 52) - 1); /* powers of two, where neighbours lie unevenly */
        if (round % 5 == 0)
            bits &= (UINT64_C(1) << fh_test_rng_below(&rng, 53)) - 1; /* subnormal */
        double v;
        memcpy(&v, &bits, 8);
        if (isfinite(v))
            check_write(v);
    }
    for (int i = 0; i < 2000; i++)
        check_write((double)i / 100);
}

static void write_nan(void *arg) {
    uint8_t out[FH_DECIMAL_BYTES];
    (void)arg;
    fh_decimal_write((double)NAN, out);
}

static void test_write_refuses(void **state) {
    (void)state;
    fh_assert_dies(write_nan, NULL, "0x7ff");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read_table),   cmocka_unit_test(test_midpoints),
                                       cmocka_unit_test(test_read_random),  cmocka_unit_test(test_write_table),
                                       cmocka_unit_test(test_write_random), cmocka_unit_test(test_write_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
