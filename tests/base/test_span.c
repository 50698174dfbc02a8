/* test_span.c: every access inside works, every access outside ends the program or is refused. */
#include "fh_test.h"

#include <stdlib.h>
#include <string.h>

#include "freehold/span.h"

static void test_make(void **state) {
    (void)state;
    fh_span s = fh_span_of_str("abc");
    assert_int_equal(s.size, 3);
    assert_int_equal(fh_span_at(s, 2), 'c');
    assert_int_equal(fh_span_of_str("").size, 0);
    assert_int_equal(fh_span_of_str(NULL).size, 0);
    assert_int_equal(FH_LIT("a\0b").size, 3);

    uint8_t bytes[4] = {1, 2, 3, 4};
    fh_mspan m = {bytes, 4};
    *fh_mspan_at(m, 3) = 9;
    assert_int_equal(fh_span_at(fh_span_of_mut(m), 3), 9);
}

static void test_slice(void **state) {
    (void)state;
    uint8_t bytes[5] = "abcde";
    fh_span s = {bytes, 5}, out;
    fh_mspan m = {bytes, 5}, mout;
    static const size_t numbers[] = {0, 1, 4, 5, 6, SIZE_MAX / 2, SIZE_MAX - 4, SIZE_MAX};
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < 8; k++) {
            size_t from = numbers[i], count = numbers[k];
            bool inside = from <= 5 && count <= 5 && from + count <= 5;
            assert_int_equal(fh_span_slice(s, from, count, &out), inside);
            assert_int_equal(out.size, inside ? count : 0);
            assert_int_equal(fh_mspan_slice(m, from, count, &mout), inside);
            assert_int_equal(mout.size, inside ? count : 0);
            if (inside && count > 0) {
                assert_ptr_equal(out.at, bytes + from);
                assert_ptr_equal(mout.at, bytes + from);
            }
        }
    fh_assert_span(fh_span_sub(s, 1, 3), "bcd");
    fh_assert_span(fh_span_from(s, 3), "de");
    fh_assert_span(fh_span_from(s, 5), "");
    assert_true(fh_span_slice((fh_span){NULL, 0}, 0, 0, &out));
}

static int sign(int x) {
    return (x > 0) - (x < 0);
}

static void test_compare(void **state) {
    (void)state;
    /* In rising order. */
    static const char *const texts[] = {"", "A", "a", "aa", "ab", "b", "\x7f", "\x80", "\xff"};
    enum { TEXTS = sizeof texts / sizeof texts[0] };
    for (int i = 0; i < TEXTS; i++)
        for (int k = 0; k < TEXTS; k++) {
            fh_span a = fh_span_of_str(texts[i]), b = fh_span_of_str(texts[k]);
            assert_int_equal(sign(fh_span_compare(a, b)), sign(i - k));
            assert_int_equal(fh_span_equal(a, b), i == k);
            assert_int_equal(fh_span_is(a, texts[k]), i == k);
            assert_int_equal(fh_span_starts(a, b), strncmp(texts[i], texts[k], strlen(texts[k])) == 0);
        }
    fh_span none = {NULL, 0};
    assert_true(fh_span_equal(none, FH_LIT("")));
    assert_true(fh_span_starts(none, none));
    assert_int_equal(fh_span_compare(none, none), 0);
    assert_true(fh_span_is(none, NULL));
    assert_false(fh_span_is(FH_LIT("a\0b"), "a"));
}

/* The plain definition of a search. */
static size_t find_slowly(fh_span a, fh_span b, size_t from) {
    for (size_t i = from; i <= a.size && b.size <= a.size - i; i++)
        if (fh_span_starts(fh_span_from(a, i), b))
            return i;
    return SIZE_MAX;
}

static void test_find(void **state) {
    (void)state;
    fh_test_rng rng = fh_test_rng_new(3);
    uint8_t text[40], part[6];
    for (int round = 0; round < 50000; round++) {
        fh_span a = {text, fh_test_rng_below(&rng, sizeof text + 1)}, b = {part, fh_test_rng_below(&rng, sizeof part + 1)};
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (uint8_t)('a' + fh_test_rng_below(&rng, 2));
        for (size_t i = 0; i < sizeof part; i++)
            part[i] = (uint8_t)('a' + fh_test_rng_below(&rng, 2));
        size_t from = fh_test_rng_below(&rng, sizeof text + 4);
        assert_true(fh_span_find(a, b, from) == find_slowly(a, b, from));
    }
    assert_true(fh_span_find((fh_span){NULL, 0}, (fh_span){NULL, 0}, 0) == 0);
    assert_true(fh_span_find((fh_span){NULL, 0}, FH_LIT("x"), 0) == SIZE_MAX);
    assert_true(fh_span_find(FH_LIT("abc"), FH_LIT(""), 3) == 3);
    assert_true(fh_span_find(FH_LIT("abc"), FH_LIT(""), 4) == SIZE_MAX);
}

static void test_copy_fill(void **state) {
    (void)state;
    uint8_t to[6] = "......";
    fh_span_copy((fh_mspan){to, 6}, FH_LIT("abc"));
    assert_memory_equal(to, "abc...", 6);
    fh_span_copy((fh_mspan){to, 0}, (fh_span){NULL, 0});
    fh_mspan_fill((fh_mspan){to, 2}, 'z');
    fh_mspan_fill((fh_mspan){NULL, 0}, 'z');
    assert_memory_equal(to, "zzc...", 6);
    fh_span_copy((fh_mspan){to, 3}, (fh_span){to + 3, 3}); /* neighbours do not overlap */
    assert_memory_equal(to, "......", 6);
}

static void test_numbers(void **state) {
    (void)state;
    uint8_t bytes[12] = {0x11, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x81, 0xff};
    fh_span s = {bytes, sizeof bytes};
    assert_int_equal(fh_span_u16(s, 1), 0xcdef);
    assert_true(fh_span_u32(s, 1) == UINT32_C(0x89abcdef));
    assert_true(fh_span_u64(s, 1) == UINT64_C(0x8123456789abcdef));
    assert_true(fh_span_u64(s, 4) == UINT64_C(0xff8123456789));

    fh_mspan m = {bytes, sizeof bytes};
    fh_mspan_fill(m, 0xee);
    fh_mspan_put_u16(m, 0, 0x8001);
    fh_mspan_put_u32(m, 2, UINT32_C(0x80000001));
    assert_memory_equal(bytes, "\x01\x80\x01\x00\x00\x80\xee", 7);
    fh_mspan_put_u64(m, 4, UINT64_C(0xf00000000000000d));
    assert_memory_equal(bytes + 4, "\x0d\0\0\0\0\0\0\xf0", 8);
    assert_true(fh_span_u64(s, 4) == UINT64_C(0xf00000000000000d));
}

static void test_typed(void **state) {
    (void)state;
    float values[4] = {1, 2, 3, 4};
    fh_f32s s = {values, 4};
    fh_f32s_set(s, 1, 2.5f);
    assert_true(fh_f32s_get(s, 1) == 2.5f);
    *fh_f32s_at(fh_f32s_sub(s, 2, 2), 1) = 8;
    assert_true(values[3] == 8);
    assert_int_equal(fh_f32s_sub(s, 4, 0).count, 0);
    assert_int_equal(fh_f32s_bytes(s).size, 16);
    assert_ptr_equal(fh_f32s_bytes(s).at, values);
}

/* --- accesses outside, each of which ends the program ----------------------------------------------------------------- */

/* One try: what to do with a block of `size` bytes, from the heap so that a sanitizer would see a missed check too. */
typedef struct outside {
    void (*touch)(fh_mspan m, size_t i);
    size_t size, i;
    const char *said;
} outside;

static volatile uint64_t sink;

static void touch_at(fh_mspan m, size_t i) {
    sink = fh_span_at(fh_span_of_mut(m), i);
}
static void touch_mut_at(fh_mspan m, size_t i) {
    *fh_mspan_at(m, i) = 1;
}
static void touch_u16(fh_mspan m, size_t i) {
    sink = fh_span_u16(fh_span_of_mut(m), i);
}
static void touch_u32(fh_mspan m, size_t i) {
    sink = fh_span_u32(fh_span_of_mut(m), i);
}
static void touch_u64(fh_mspan m, size_t i) {
    sink = fh_span_u64(fh_span_of_mut(m), i);
}
static void touch_put_u16(fh_mspan m, size_t i) {
    fh_mspan_put_u16(m, i, 1);
}
static void touch_put_u32(fh_mspan m, size_t i) {
    fh_mspan_put_u32(m, i, 1);
}
static void touch_put_u64(fh_mspan m, size_t i) {
    fh_mspan_put_u64(m, i, 1);
}
static void touch_sub(fh_mspan m, size_t i) {
    sink = fh_span_sub(fh_span_of_mut(m), i, 2).size;
}
static void touch_from(fh_mspan m, size_t i) {
    sink = fh_span_from(fh_span_of_mut(m), i).size;
}
static void touch_copy(fh_mspan m, size_t i) {
    uint8_t bytes[64] = {0};
    fh_span_copy(m, (fh_span){bytes, i});
}
static void touch_typed_at(fh_mspan m, size_t i) {
    float values[3] = {0};
    sink = (uint64_t)*fh_f32s_at((fh_f32s){values, m.size}, i);
}
static void touch_typed_set(fh_mspan m, size_t i) {
    float values[3] = {0};
    fh_f32s_set((fh_f32s){values, m.size}, i, 1);
    sink = (uint64_t)values[0];
}
static void touch_typed_sub(fh_mspan m, size_t i) {
    float values[3] = {0};
    sink = fh_f32s_sub((fh_f32s){values, m.size}, i, 2).count;
}
static void touch_overlap(fh_mspan m, size_t i) {
    fh_span_copy(m, (fh_span){m.at + i, m.size - i});
}

static void go_outside(void *arg) {
    const outside *o = arg;
    uint8_t *block = calloc(o->size, 1);
    assert_non_null(block);
    o->touch((fh_mspan){block, o->size}, o->i);
    free(block);
}

static void test_outside(void **state) {
    (void)state;
    static const outside rows[] = {
        {touch_at, 3, 3, "index 3 is outside of 3 elements"},
        {touch_at, 3, SIZE_MAX, "is outside of 3 elements"},
        {touch_mut_at, 3, 3, "index 3 is outside of 3"},
        {touch_u16, 3, 2, "index 2 is outside of 3"},
        {touch_u16, 3, SIZE_MAX, "outside of 3"},
        {touch_u32, 7, 4, "index 4 is outside of 7"},
        {touch_u64, 9, 2, "index 2 is outside of 9"},
        {touch_u64, 4, 0, "index 0 is outside of 4"},
        {touch_put_u16, 3, 2, "index 2 is outside of 3"},
        {touch_put_u32, 7, 4, "index 4 is outside of 7"},
        {touch_put_u64, 9, 2, "index 2 is outside of 9"},
        {touch_sub, 3, 2, "index 2 is outside of 3"},
        {touch_sub, 3, SIZE_MAX - 1, "outside of 3"},
        {touch_from, 3, 4, "index 4 is outside of 3"},
        {touch_copy, 3, 4, "index 4 is outside of 3"},
        {touch_typed_at, 3, 3, "index 3 is outside of 3"},
        {touch_typed_set, 3, 3, "index 3 is outside of 3"},
        {touch_typed_sub, 3, 2, "index 2 is outside of 3"},
        {touch_overlap, 8, 3, "assertion failed"},
        {touch_overlap, 8, 0, "assertion failed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        outside o = rows[i];
        fh_assert_dies(go_outside, &o, o.said);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_make),    cmocka_unit_test(test_slice),     cmocka_unit_test(test_compare),
        cmocka_unit_test(test_find),    cmocka_unit_test(test_copy_fill), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_typed),   cmocka_unit_test(test_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
