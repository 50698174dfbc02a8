/* lanes256.h: sixteen float32 lanes in two AVX2 registers, for wide.h.
 *
 * The names are those of lanes512.h. `_n` functions touch only the first n lanes of memory (n ≤ 16); lanes past them read
 * as zeros.
 *
 * Threading: pure functions. */
#ifndef FREEHOLD_TENSOR_KERN_LANES256_H
#define FREEHOLD_TENSOR_KERN_LANES256_H

#include <immintrin.h>
#include <string.h>

#include "tensor/kern/kern.h"

#define LANES_FN static inline FH_ATTR(always_inline)

/* What a tile may keep in 16 registers: slices of 16 positions or dimensions × 6 queries; 1 row × 6 tokens of plain weights;
 * 4 queries × 1 tile of vectors. */
enum { LANES = 16, SLICE = 1, SLICE_QUERIES = 6, FLOAT_ROWS = 1, SCORE_QUERIES = 4, ROWS_TOGETHER = 4, SCORE_TILES = 1 };

typedef struct lanes {
    __m256 low, high;
} lanes;

/* op of both halves. */
#define LANES_BOTH(op, a, b) ((lanes){op((a).low, (b).low), op((a).high, (b).high)})

LANES_FN lanes lanes_zero(void) {
    return (lanes){_mm256_setzero_ps(), _mm256_setzero_ps()};
}
LANES_FN lanes lanes_set(float x) {
    return (lanes){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
LANES_FN lanes lanes_load(const void *at) {
    const __m256i_u *halves = at;
    return (lanes){_mm256_castsi256_ps(_mm256_loadu_si256(halves)), _mm256_castsi256_ps(_mm256_loadu_si256(halves + 1))};
}
LANES_FN void lanes_store(float *at, lanes x) {
    _mm256_storeu_ps(at, x.low);
    _mm256_storeu_ps(at + 8, x.high);
}
LANES_FN lanes lanes_load_n(const void *at, size_t n) {
    if (n == LANES)
        return lanes_load(at);
    float whole[LANES] = {0};
    memcpy(whole, at, n * sizeof *whole);
    return lanes_load(whole);
}
LANES_FN void lanes_store_n(float *at, size_t n, lanes x) {
    if (n == LANES) {
        lanes_store(at, x);
        return;
    }
    float whole[LANES];
    lanes_store(whole, x);
    memcpy(at, whole, n * sizeof *at);
}
LANES_FN lanes lanes_add(lanes a, lanes b) {
    return LANES_BOTH(_mm256_add_ps, a, b);
}
LANES_FN lanes lanes_sub(lanes a, lanes b) {
    return LANES_BOTH(_mm256_sub_ps, a, b);
}
LANES_FN lanes lanes_mul(lanes a, lanes b) {
    return LANES_BOTH(_mm256_mul_ps, a, b);
}
LANES_FN lanes lanes_div(lanes a, lanes b) {
    return LANES_BOTH(_mm256_div_ps, a, b);
}
LANES_FN lanes lanes_fused(lanes a, lanes b, lanes c) {
    return (lanes){_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
/* a > b ? a : b, so b where one is NaN. */
LANES_FN lanes lanes_max(lanes a, lanes b) {
    return LANES_BOTH(_mm256_max_ps, a, b);
}
/* a < b ? a : b, so b where one is NaN. */
LANES_FN lanes lanes_min(lanes a, lanes b) {
    return LANES_BOTH(_mm256_min_ps, a, b);
}
/* The first n lanes of a, then b. */
LANES_FN lanes lanes_first(size_t n, lanes a, lanes b) {
    __m256i at = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    __m256i low = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), at),
            high = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n - 8), at);
    return (lanes){_mm256_blendv_ps(b.low, a.low, _mm256_castsi256_ps(low)),
                   _mm256_blendv_ps(b.high, a.high, _mm256_castsi256_ps(high))};
}
LANES_FN __m256 canonical_256(__m256 x, __m256 y) {
    __m256 nan = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000));
    return _mm256_blendv_ps(y, nan, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}
/* The one NaN in place of any. */
LANES_FN lanes lanes_canonical(lanes x) {
    return LANES_BOTH(canonical_256, x, x);
}
/* Zero where x < limit, the one NaN where x is NaN, else y. */
LANES_FN lanes lanes_below_zero(lanes x, lanes limit, lanes y) {
    y.low = _mm256_andnot_ps(_mm256_cmp_ps(x.low, limit.low, _CMP_LT_OQ), y.low);
    y.high = _mm256_andnot_ps(_mm256_cmp_ps(x.high, limit.high, _CMP_LT_OQ), y.high);
    return LANES_BOTH(canonical_256, x, y);
}
/* x · 2^n for whole n, |n| ≤ 250, in two exact factors. */
LANES_FN __m256 scale_256(__m256 x, __m256 n) {
    __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1), bias = _mm256_set1_epi32(127);
    __m256i a = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
    __m256i b = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23);
    return _mm256_mul_ps(_mm256_mul_ps(x, _mm256_castsi256_ps(a)), _mm256_castsi256_ps(b));
}
LANES_FN lanes lanes_scale(lanes x, lanes n) {
    return LANES_BOTH(scale_256, x, n);
}
/* The tree i+8, i+4, i+2, i+1. */
LANES_FN float lanes_tree(lanes x) {
    __m256 a = _mm256_add_ps(x.low, x.high);
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
/* The greatest lane; no lane is NaN. */
LANES_FN float lanes_most(lanes x) {
    __m256 a = _mm256_max_ps(x.low, x.high);
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}

/* --- element types ---------------------------------------------------------------------------------------------- */

LANES_FN lanes lanes_half(const void *at) {
    __m256i h = _mm256_loadu_si256(at);
    return (lanes){_mm256_cvtph_ps(_mm256_castsi256_si128(h)), _mm256_cvtph_ps(_mm256_extracti128_si256(h, 1))};
}
LANES_FN lanes lanes_half_n(const void *at, size_t n) {
    uint16_t whole[LANES] = {0};
    memcpy(whole, at, n * sizeof *whole);
    return lanes_half(whole);
}
LANES_FN lanes lanes_bfloat(const void *at) {
    __m256i h = _mm256_loadu_si256(at);
    __m256i low = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(h)),
            high = _mm256_cvtepu16_epi32(_mm256_extracti128_si256(h, 1));
    return (lanes){_mm256_castsi256_ps(_mm256_slli_epi32(low, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(high, 16))};
}
LANES_FN lanes lanes_bfloat_n(const void *at, size_t n) {
    uint16_t whole[LANES] = {0};
    memcpy(whole, at, n * sizeof *whole);
    return lanes_bfloat(whole);
}
/* Float16 by round to nearest even, NaN as 0x7e00: a NaN without its payload and sign is 0x7fc00000, which becomes that. */
LANES_FN void lanes_put_half_n(uint16_t *at, size_t n, lanes x) {
    uint16_t whole[LANES], *to = n < LANES ? whole : at;
    x = lanes_canonical(x);
    _mm_storeu_si128((void *)to, _mm256_cvtps_ph(x.low, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    _mm_storeu_si128((void *)(to + 8), _mm256_cvtps_ph(x.high, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    if (n < LANES)
        memcpy(at, whole, n * sizeof *whole);
}

/* --- pairs, for rotations --------------------------------------------------------------------------------------- */

/* Each of the first n / 2 floats twice. */
LANES_FN lanes lanes_twice_n(const float *at, size_t n) {
    float whole[LANES / 2] = {0};
    if (n < LANES)
        memcpy(whole, at, n / 2 * sizeof *at);
    __m256 x = _mm256_loadu_ps(n < LANES ? whole : at);
    __m256i low = _mm256_set_epi32(3, 3, 2, 2, 1, 1, 0, 0), high = _mm256_set_epi32(7, 7, 6, 6, 5, 5, 4, 4);
    return (lanes){_mm256_permutevar8x32_ps(x, low), _mm256_permutevar8x32_ps(x, high)};
}
/* Lanes 2i and 2i + 1 exchanged. */
LANES_FN lanes lanes_swap(lanes x) {
    return (lanes){_mm256_permute_ps(x.low, 0xb1), _mm256_permute_ps(x.high, 0xb1)};
}
/* a − b in even lanes, a + b in odd ones. */
LANES_FN lanes lanes_sub_add(lanes a, lanes b) {
    return LANES_BOTH(_mm256_addsub_ps, a, b);
}

/* --- quantising ------------------------------------------------------------------------------------------------- */

/* Bits of the greatest magnitude of 32 floats. */
LANES_FN uint32_t lanes_magnitude(const float *x) {
    __m256i most = _mm256_setzero_si256();
    for (unsigned i = 0; i < 4; i++) {
        __m256i bits = _mm256_loadu_si256((const void *)(x + 8 * i));
        most = _mm256_max_epi32(most, _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff)));
    }
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(m);
}
/* Stores 32 codes, x · inverse rounded to even; returns their sum. */
LANES_FN int32_t lanes_codes(const float *x, float inverse, uint8_t *codes) {
    __m256 scale = _mm256_set1_ps(inverse);
    __m256i c[4];
    for (unsigned i = 0; i < 4; i++)
        c[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8 * i), scale));
    __m256i sum = _mm256_add_epi32(_mm256_add_epi32(c[0], c[1]), _mm256_add_epi32(c[2], c[3]));
    __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(c[0], c[1]), _mm256_packs_epi32(c[2], c[3]));
    packed = _mm256_permutevar8x32_epi32(packed, _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0));
    _mm256_storeu_si256((void *)codes, packed);
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

/* --- whole numbers: sixteen of 32 bits ---------------------------------------------------------------------------- */

typedef struct ints {
    __m256i low, high;
} ints;
#define INTS_BOTH(op, a, b) ((ints){op((a).low, (b).low), op((a).high, (b).high)})

LANES_FN ints ints_set(int32_t x) {
    return (ints){_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
}
LANES_FN ints ints_load(const void *at) {
    const __m256i_u *halves = at;
    return (ints){_mm256_loadu_si256(halves), _mm256_loadu_si256(halves + 1)};
}
LANES_FN ints ints_add(ints a, ints b) {
    return INTS_BOTH(_mm256_add_epi32, a, b);
}
LANES_FN ints ints_sub(ints a, ints b) {
    return INTS_BOTH(_mm256_sub_epi32, a, b);
}
/* Rounded to nearest even. */
LANES_FN lanes ints_float(ints x) {
    return (lanes){_mm256_cvtepi32_ps(x.low), _mm256_cvtepi32_ps(x.high)};
}
LANES_FN lanes ints_bits(ints x) {
    return (lanes){_mm256_castsi256_ps(x.low), _mm256_castsi256_ps(x.high)};
}
LANES_FN ints ints_begin(int32_t sum_x) {
    return ints_set(0 * sum_x);
}
/* |v| · (x with the sign of v): 128 · 127 · 2 fits the 16 bits that vpmaddubsw saturates to, as no byte of x is −128. */
LANES_FN __m256i dot_256(__m256i v, __m256i x) {
    return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_abs_epi8(v), _mm256_sign_epi8(x, v)), _mm256_set1_epi16(1));
}
/* sum + the four products of signed bytes in each lane; no byte of x is −128. */
LANES_FN ints ints_dot(ints sum, ints v, ints x) {
    ints products = INTS_BOTH(dot_256, v, x);
    return ints_add(sum, products);
}
/* How many bits of each lane are set: a table of nibbles. */
LANES_FN __m256i count_256(__m256i x) {
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
                                           0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15);
    __m256i bytes = _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(x, low)),
                                    _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(x, 4), low)));
    return _mm256_madd_epi16(_mm256_maddubs_epi16(bytes, _mm256_set1_epi8(1)), _mm256_set1_epi16(1));
}
LANES_FN ints ints_differ(ints sum, ints v, ints x) {
    ints apart = INTS_BOTH(_mm256_xor_si256, v, x);
    return (ints){_mm256_add_epi32(sum.low, count_256(apart.low)), _mm256_add_epi32(sum.high, count_256(apart.high))};
}

#endif
