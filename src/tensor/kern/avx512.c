/* avx512.c: the kernels for AVX-512 with VNNI.
 *
 * The product with block weights is the hot loop of the whole product, so it is written by hand: 6 tokens × 32 rows, 12
 * integer and 12 float accumulators in 32 registers. For 32 columns: 16 loads of weights, 8 broadcasts of activations a
 * token, and vpdpbusd, which multiplies unsigned by signed bytes and adds four products to a 32-bit lane without
 * saturation. The biases of the activation records let the integer end as the bits of 1.5·2^23 + dot, and one fused
 * multiply-add, fma(that, scale, −1.5·2^23 · scale), gives the rounded product dot · scale: 1.5·2^23 has 2 significant
 * bits and a float16 scale 11, so the last operand is exact. Everything else is in wide.h.
 *
 * Threading: pure functions. */
#include <string.h>

#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "tensor/kern/kern.h"
#include "tensor/kern/target.h"

#if defined(__x86_64__)
#include <immintrin.h>

FH_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")

#include "tensor/kern/lanes512.h"
#include "tensor/kern/wide.h"

LANES_FN int32_t load_i32(const uint8_t *at) {
    int32_t x = 0;
    memcpy(&x, at, sizeof x);
    return x;
}
LANES_FN float load_f32(const uint8_t *at) {
    float x = 0;
    memcpy(&x, at, sizeof x);
    return x;
}

/* Scales of a record: as floats times `unit`, and what the fused multiply-add takes off. */
struct scales {
    __m512 scale[2], offset[2];
};
LANES_FN struct scales load_scales(const uint8_t *record, float unit) {
    struct scales s;
    for (unsigned i = 0; i < 2; i++) {
        __m512 scale = _mm512_cvtph_ps(_mm256_loadu_si256((const void *)(record + 32 * i)));
        s.scale[i] = unit == 1.0f ? scale : _mm512_mul_ps(scale, _mm512_set1_ps(unit));
        s.offset[i] = _mm512_mul_ps(scale, _mm512_set1_ps(-KERN_MAGIC * unit));
    }
    return s;
}

/* acc = acc + (float(dot) · weight scale) · activation scale for both halves of the rows of one token. */
LANES_FN void add_block(__m512 acc[2], const __m512i dot[2], const struct scales *s, const uint8_t *scale) {
    __m512 by = _mm512_set1_ps(load_f32(scale));
    for (unsigned i = 0; i < 2; i++) {
        __m512 product = _mm512_fmadd_ps(_mm512_castsi512_ps(dot[i]), s->scale[i], s->offset[i]);
        acc[i] = _mm512_add_ps(acc[i], _mm512_mul_ps(product, by));
    }
}

/* One record of Q8_0 weights against `tokens` tokens. */
LANES_FN void q8_block(const uint8_t *w, const uint8_t *record, unsigned tokens, __m512i dot[KERN_TOKENS][2]) {
    for (unsigned g = 0; g < 8; g++) {
        __m512i w0 = _mm512_loadu_si512(w + 128 * g), w1 = _mm512_loadu_si512(w + 128 * g + 64);
        for (unsigned t = 0; t < tokens; t++) {
            __m512i x = _mm512_set1_epi32(load_i32(record + t * KERN_BLOCK + 4 * g));
            dot[t][0] = _mm512_dpbusd_epi32(dot[t][0], w0, x);
            dot[t][1] = _mm512_dpbusd_epi32(dot[t][1], w1, x);
        }
    }
}

/* The same of Q4_0: nibbles in the high half of a byte count 16 times, so offset and biases are those of Q8_0, and the
 * scales one 16th. */
LANES_FN void q4_block(const uint8_t *w, const uint8_t *record, unsigned tokens, __m512i dot[KERN_TOKENS][2]) {
    const __m512i high = _mm512_set1_epi8((char)0xf0);
    for (unsigned g = 0; g < 4; g++) {
        __m512i b0 = _mm512_loadu_si512(w + 128 * g), b1 = _mm512_loadu_si512(w + 128 * g + 64);
        __m512i l0 = _mm512_and_si512(_mm512_slli_epi16(b0, 4), high), l1 = _mm512_and_si512(_mm512_slli_epi16(b1, 4), high);
        __m512i h0 = _mm512_and_si512(b0, high), h1 = _mm512_and_si512(b1, high);
        for (unsigned t = 0; t < tokens; t++) {
            __m512i x = _mm512_set1_epi32(load_i32(record + t * KERN_BLOCK + 4 * g));
            __m512i y = _mm512_set1_epi32(load_i32(record + t * KERN_BLOCK + 16 + 4 * g));
            dot[t][0] = _mm512_dpbusd_epi32(dot[t][0], l0, x);
            dot[t][1] = _mm512_dpbusd_epi32(dot[t][1], l1, x);
            dot[t][0] = _mm512_dpbusd_epi32(dot[t][0], h0, y);
            dot[t][1] = _mm512_dpbusd_epi32(dot[t][1], h1, y);
        }
    }
}

LANES_FN void store_rows(const struct kern_tile *t, unsigned token, const __m512 acc[2]) {
    for (unsigned i = 0; i < 2; i++) {
        if (t->rows <= 16 * i)
            return;
        size_t n = t->rows - 16 * i < 16 ? t->rows - 16 * i : 16;
        float *y = t->y + token * t->y_stride + 16 * i;
        lanes_store_n(y, n, lanes_canonical(t->add ? _mm512_add_ps(lanes_load_n(y, n), acc[i]) : acc[i]));
    }
}

/* `tokens` and dtype are constants where this is inlined. */
LANES_FN void block_part(const struct kern_tile *t, fh_dtype dtype, unsigned tokens) {
    __m512 acc[KERN_TOKENS][2];
    const size_t bytes = dtype == FH_DTYPE_Q8_0 ? KERN_Q8_RECORD : KERN_Q4_RECORD;
    struct kern_ahead ahead = t->ahead;
    const uint8_t *w = t->w, *record = t->records, *end = t->w + t->cols / KERN_BLOCK * bytes;
    for (unsigned j = 0; j < tokens; j++) {
        acc[j][0] = acc[j][1] = _mm512_setzero_ps();
        for (unsigned i = 0; i < 2; i++) /* results lie far apart: ask for their lines while the sums are made */
            _mm_prefetch((const void *)((uintptr_t)(t->y + j * t->y_stride) + 64 * i), _MM_HINT_T0);
    }
    for (; w < end; w += bytes, record += KERN_RECORD) {
        __m512i dot[KERN_TOKENS][2];
        for (unsigned j = 0; j < tokens; j++)
            dot[j][0] = dot[j][1] = _mm512_set1_epi32(load_i32(record + KERN_RECORD_BIAS + 4 * j));
        if (dtype == FH_DTYPE_Q8_0)
            q8_block(w + 2 * KERN_ROWS, record, tokens, dot);
        else
            q4_block(w + 2 * KERN_ROWS, record, tokens, dot);
        prefetch(&ahead);
        struct scales s = load_scales(w, dtype == FH_DTYPE_Q8_0 ? 1.0f : 0.0625f);
        for (unsigned j = 0; j < tokens; j++)
            add_block(acc[j], dot[j], &s, record + KERN_RECORD_SCALE + 4 * j);
    }
    for (unsigned j = 0; j < tokens; j++)
        store_rows(t, j, acc[j]);
}

LANES_FN void block_type(const struct kern_tile *t, fh_dtype dtype) {
    switch (t->tokens) {
    case 1: block_part(t, dtype, 1); break;
    case 2: block_part(t, dtype, 2); break;
    case 3: block_part(t, dtype, 3); break;
    case 4: block_part(t, dtype, 4); break;
    case 5: block_part(t, dtype, 5); break;
    default: block_part(t, dtype, 6); break;
    }
}

static void avx512_block_tile(const struct kern_tile *t) {
    if (t->dtype == FH_DTYPE_Q8_0)
        block_type(t, FH_DTYPE_Q8_0);
    else
        block_type(t, FH_DTYPE_Q4_0);
}

/* A nibble n means n − 8: the byte n + 120. */
static void avx512_widen(const uint8_t *q4, size_t cols, uint8_t *q8) {
    const __m512i low = _mm512_set1_epi8(15), more = _mm512_set1_epi8(120);
    for (size_t b = 0; b < cols / KERN_BLOCK; b++, q4 += KERN_Q4_RECORD, q8 += KERN_Q8_RECORD) {
        _mm512_storeu_si512(q8, _mm512_loadu_si512(q4));
        for (unsigned i = 64; i < KERN_Q4_RECORD; i += 64) {
            __m512i x = _mm512_loadu_si512(q4 + i);
            _mm512_storeu_si512(q8 + i, _mm512_add_epi8(_mm512_and_si512(x, low), more));
            x = _mm512_and_si512(_mm512_srli_epi16(x, 4), low);
            _mm512_storeu_si512(q8 + 16 * KERN_ROWS + i, _mm512_add_epi8(x, more));
        }
    }
}

FH_TARGET_END

/* Codes: with vpopcntd, which the first processors with VNNI lack; they take the kernels for AVX2. */
FH_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")

LANES_FN ints ints_differ(ints sum, ints v, ints x) {
    return _mm512_add_epi32(sum, _mm512_popcnt_epi32(_mm512_xor_si512(v, x)));
}

#include "tensor/kern/wide_codes.h"

FH_TARGET_END

static void avx512_score_codes(const struct kern_codes *s) {
    if (__builtin_cpu_supports("avx512vpopcntdq"))
        wide_score_codes(s);
    else
        fh_kern_avx2.score_codes(s);
}

const struct kern fh_kern_avx512 = {
    .isa = FH_ISA_AVX512,
    .norm = wide_norm,
    .pack = wide_pack,
    .block_tile = avx512_block_tile,
    .float_tile = wide_float_tile,
    .widen = avx512_widen,
    .glu = wide_glu,
    .rope = wide_rope,
    .halve = wide_halve,
    .attend = wide_attend,
    .attend_end = wide_attend_end,
    .mix = wide_mix,
    .score = wide_score,
    .score_codes = avx512_score_codes,
    .score_rows = wide_score_rows,
};
#endif
