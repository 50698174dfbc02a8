/* test_hash.c: the mixer, the byte hash and Philox against published and independently computed values. */
#include "fh_test.h"

#include <math.h>

#include "freehold/hash.h"

/* The first outputs of splitmix64 for the seeds 0 and 1234567, and the second for 0, as in its published test sequences. */
static void test_mix(void **state) {
    (void)state;
    assert_true(fh_mix64(0) == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(fh_mix64(UINT64_C(0x9e3779b97f4a7c15)) == UINT64_C(0x6e789e6aa1b965f4));
    assert_true(fh_mix64(1234567) == UINT64_C(6457827717110365317));
}

/* kat_vectors of Random123 1.09, "philox4x32 10". Words from the lowest: counter[0] and [1] are the low and high half of
 * `counter`, [2] and [3] those of `stream`, key[0] and [1] those of `key`. */
static void test_philox_known_answers(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } rows[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < 3; i++) {
        const uint32_t *c = rows[i].counter, *k = rows[i].key;
        fh_philox_block block =
            fh_philox(k[0] | (uint64_t)k[1] << 32, c[0] | (uint64_t)c[1] << 32, c[2] | (uint64_t)c[3] << 32);
        for (size_t w = 0; w < 4; w++)
            assert_true(block.word[w] == rows[i].out[w]);
    }
}

/* Values computed by another program from the description in hash.c. */
static void test_bytes_known_answers(void **state) {
    (void)state;
    uint8_t all[256];
    for (unsigned i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    assert_true(fh_hash_bytes(0, FH_LIT("")) == UINT64_C(0xa706dd2f4d197e6f));
    assert_true(fh_hash_bytes(1, (fh_span){NULL, 0}) == UINT64_C(0x08b4fda8c892b50e));
    assert_true(fh_hash_bytes(0, FH_LIT("a")) == UINT64_C(0xaa2a39fe9bde47a0));
    assert_true(fh_hash_bytes(0, FH_LIT("a\0")) == UINT64_C(0x45d079074a76f2c6));
    assert_true(fh_hash_bytes(7, FH_LIT("freehold")) == UINT64_C(0x3259f4b63e0a84b6));
    assert_true(fh_hash_bytes(7, FH_LIT("freehold!")) == UINT64_C(0x36d8d870d5af8583));
    assert_true(fh_hash_bytes(0, (fh_span){all, 256}) == UINT64_C(0xfba398085b2d3317));
}

/* Each flipped bit of a message flips each bit of its hash about half the time. */
static void test_bytes_avalanche(void **state) {
    (void)state;
    enum { SIZE = 21, MESSAGES = 64 };
    fh_test_rng rng = fh_test_rng_new(4);
    uint64_t flips = 0;
    for (int m = 0; m < MESSAGES; m++) {
        uint8_t bytes[SIZE];
        for (size_t i = 0; i < SIZE; i++)
            bytes[i] = (uint8_t)fh_test_rng_next(&rng);
        uint64_t before = fh_hash_bytes(0, (fh_span){bytes, SIZE});
        for (size_t bit = 0; bit < 8 * SIZE; bit++) {
            bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
            uint64_t changed = before ^ fh_hash_bytes(0, (fh_span){bytes, SIZE});
            bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
            assert_in_range(__builtin_popcountll(changed), 8, 56);
            flips += (uint64_t)__builtin_popcountll(changed);
        }
    }
    double mean = (double)flips / (MESSAGES * 8 * SIZE);
    assert_true(mean > 31.7 && mean < 32.3);
}

/* The number of bytes counts, also where the bytes are zero. */
static void test_bytes_size_matters(void **state) {
    (void)state;
    static const uint8_t zeros[40];
    for (size_t a = 0; a <= 40; a++)
        for (size_t b = 0; b < a; b++)
            assert_true(fh_hash_bytes(0, (fh_span){zeros, a}) != fh_hash_bytes(0, (fh_span){zeros, b}));
}

static void test_float_bits(void **state) {
    (void)state;
    assert_true(fh_bits_of_f32(1.0f) == UINT32_C(0x3f800000));
    assert_true(fh_bits_of_f32(-0.0f) == UINT32_C(0x80000000));
    const float ascending[] = {-INFINITY, -2.5f, -1e-45f, -0.0f, 0.0f, 1e-45f, 2.5f, INFINITY};
    for (size_t i = 0; i < sizeof ascending / sizeof ascending[0]; i++) {
        assert_true(i == 0 || fh_rank_of_f32(ascending[i - 1]) < fh_rank_of_f32(ascending[i]));
        assert_true(fh_bits_of_f32(fh_f32_of_rank(fh_rank_of_f32(ascending[i]))) == fh_bits_of_f32(ascending[i]));
    }
    assert_true(fh_f32_of_bits(UINT32_C(0xc0490fdb)) == -3.14159274101257324f);
    assert_true(fh_bits_of_f32(fh_f32_of_bits(UINT32_C(0x7fc00001))) == UINT32_C(0x7fc00001)); /* a NaN keeps its payload */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mix),
        cmocka_unit_test(test_philox_known_answers),
        cmocka_unit_test(test_bytes_known_answers),
        cmocka_unit_test(test_bytes_avalanche),
        cmocka_unit_test(test_bytes_size_matters),
        cmocka_unit_test(test_float_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
