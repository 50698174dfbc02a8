/* lanes512.h: sixteen float32 lanes in one AVX-512 register, for wide.h.
 *
 * The names are those of lanes256.h, so that one source serves both. `_n` functions touch only the first n lanes of memory
 * (n ≤ 16); lanes past them read as zeros. Only a file whose functions are compiled for AVX-512 includes this.
 *
 * Threading: pure functions. */
#ifndef FREEHOLD_TENSOR_KERN_LANES512_H
#define FREEHOLD_TENSOR_KERN_LANES512_H

#include <immintrin.h>
#include <string.h>

#include "tensor/kern/kern.h"

#define LANES_FN static inline FH_ATTR(always_inline)

/* What a tile may keep in 32 registers: slices of 64 positions or dimensions × 6 queries; 4 rows × 6 tokens of plain
 * weights; 4 queries × 4 tiles of vectors. */
enum { LANES = 16, SLICE = 4, SLICE_QUERIES = 6, FLOAT_ROWS = 4, SCORE_QUERIES = 4, ROWS_TOGETHER = 4, SCORE_TILES = 4 };

typedef __m512 lanes;

LANES_FN __mmask16 lanes_mask(size_t n) {
    return (__mmask16)((1u << n) - 1u);
}
LANES_FN lanes lanes_zero(void) {
    return _mm512_setzero_ps();
}
LANES_FN lanes lanes_set(float x) {
    return _mm512_set1_ps(x);
}
LANES_FN lanes lanes_load(const void *at) {
    return _mm512_loadu_ps(at);
}
LANES_FN lanes lanes_load_n(const void *at, size_t n) {
    return _mm512_maskz_loadu_ps(lanes_mask(n), at);
}
LANES_FN void lanes_store(float *at, lanes x) {
    _mm512_storeu_ps(at, x);
}
LANES_FN void lanes_store_n(float *at, size_t n, lanes x) {
    _mm512_mask_storeu_ps(at, lanes_mask(n), x);
}
LANES_FN lanes lanes_add(lanes a, lanes b) {
    return _mm512_add_ps(a, b);
}
LANES_FN lanes lanes_sub(lanes a, lanes b) {
    return _mm512_sub_ps(a, b);
}
LANES_FN lanes lanes_mul(lanes a, lanes b) {
    return _mm512_mul_ps(a, b);
}
LANES_FN lanes lanes_div(lanes a, lanes b) {
    return _mm512_div_ps(a, b);
}
LANES_FN lanes lanes_fused(lanes a, lanes b, lanes c) {
    return _mm512_fmadd_ps(a, b, c);
}
/* a > b ? a : b, so b where one is NaN. */
LANES_FN lanes lanes_max(lanes a, lanes b) {
    return _mm512_max_ps(a, b);
}
/* a < b ? a : b, so b where one is NaN. */
LANES_FN lanes lanes_min(lanes a, lanes b) {
    return _mm512_min_ps(a, b);
}
/* The first n lanes of a, then b. */
LANES_FN lanes lanes_first(size_t n, lanes a, lanes b) {
    return _mm512_mask_mov_ps(b, lanes_mask(n), a);
}
/* The one NaN in place of any. */
LANES_FN lanes lanes_canonical(lanes x) {
    return _mm512_mask_mov_ps(x, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), _mm512_castsi512_ps(_mm512_set1_epi32(0x7fc00000)));
}
/* Zero where x < limit, the one NaN where x is NaN, else y. */
LANES_FN lanes lanes_below_zero(lanes x, lanes limit, lanes y) {
    y = _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(x, limit, _CMP_LT_OQ), _mm512_setzero_ps());
    return _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), _mm512_castsi512_ps(_mm512_set1_epi32(0x7fc00000)));
}
/* x · 2^n for whole n. */
LANES_FN lanes lanes_scale(lanes x, lanes n) {
    return _mm512_scalef_ps(x, n);
}
/* The tree i+8, i+4, i+2, i+1. */
LANES_FN float lanes_tree(lanes x) {
    __m256 a = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
/* The greatest lane; no lane is NaN or it does not matter which. */
LANES_FN float lanes_most(lanes x) {
    return _mm512_reduce_max_ps(x);
}

/* --- element types ---------------------------------------------------------------------------------------------- */

LANES_FN lanes lanes_half(const void *at) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(at));
}
LANES_FN lanes lanes_half_n(const void *at, size_t n) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(lanes_mask(n), at));
}
LANES_FN lanes lanes_bfloat(const void *at) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(at)), 16));
}
LANES_FN lanes lanes_bfloat_n(const void *at, size_t n) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes_mask(n), at)), 16));
}
/* Float16 by round to nearest even, NaN as 0x7e00. */
LANES_FN void lanes_put_half_n(uint16_t *at, size_t n, lanes x) {
    __m256i h = _mm512_maskz_cvtps_ph(lanes_mask(n), x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    h = _mm256_mask_mov_epi16(h, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), _mm256_set1_epi16(0x7e00));
    _mm256_mask_storeu_epi16(at, lanes_mask(n), h);
}

/* --- pairs, for rotations --------------------------------------------------------------------------------------- */

/* Each of the first n / 2 floats twice. */
LANES_FN lanes lanes_twice_n(const float *at, size_t n) {
    __m512i twice = _mm512_set_epi32(7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
    return _mm512_permutexvar_ps(twice, _mm512_maskz_loadu_ps(lanes_mask(n / 2), at));
}
/* Lanes 2i and 2i + 1 exchanged. */
LANES_FN lanes lanes_swap(lanes x) {
    return _mm512_permute_ps(x, 0xb1);
}
/* a − b in even lanes, a + b in odd ones. */
LANES_FN lanes lanes_sub_add(lanes a, lanes b) {
    return _mm512_mask_add_ps(_mm512_sub_ps(a, b), 0xaaaa, a, b);
}

/* --- quantising ------------------------------------------------------------------------------------------------- */

/* Bits of the greatest magnitude of 32 floats. */
LANES_FN uint32_t lanes_magnitude(const float *x) {
    __m512i sign = _mm512_set1_epi32(0x7fffffff);
    __m512i a = _mm512_and_si512(_mm512_loadu_si512(x), sign), b = _mm512_and_si512(_mm512_loadu_si512(x + 16), sign);
    return _mm512_reduce_max_epu32(_mm512_max_epu32(a, b));
}
/* Stores 32 codes, x · inverse rounded to even; returns their sum. */
LANES_FN int32_t lanes_codes(const float *x, float inverse, uint8_t *codes) {
    __m512 scale = _mm512_set1_ps(inverse);
    __m512i a = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), scale));
    __m512i b = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + 16), scale));
    _mm_storeu_si128((void *)codes, _mm512_cvtepi32_epi8(a));
    _mm_storeu_si128((void *)(codes + 16), _mm512_cvtepi32_epi8(b));
    return _mm512_reduce_add_epi32(_mm512_add_epi32(a, b));
}

/* --- whole numbers: sixteen of 32 bits ---------------------------------------------------------------------------- */

typedef __m512i ints;

LANES_FN ints ints_set(int32_t x) {
    return _mm512_set1_epi32(x);
}
LANES_FN ints ints_load(const void *at) {
    return _mm512_loadu_si512(at);
}
LANES_FN ints ints_add(ints a, ints b) {
    return _mm512_add_epi32(a, b);
}
LANES_FN ints ints_sub(ints a, ints b) {
    return _mm512_sub_epi32(a, b);
}
/* Rounded to nearest even. */
LANES_FN lanes ints_float(ints x) {
    return _mm512_cvtepi32_ps(x);
}
LANES_FN lanes ints_bits(ints x) {
    return _mm512_castsi512_ps(x);
}
/* vpdpbusd wants unsigned bytes: v + 128, so that the sum begins at −128 · Σ x. */
LANES_FN ints ints_begin(int32_t sum_x) {
    return _mm512_set1_epi32(-128 * sum_x);
}
/* sum + the four products of signed bytes in each lane; no byte of x is −128. */
LANES_FN ints ints_dot(ints sum, ints v, ints x) {
    return _mm512_dpbusd_epi32(sum, _mm512_xor_si512(v, _mm512_set1_epi8((char)0x80)), x);
}

#endif
