/* avx2.c: the kernels for AVX2 with FMA and F16C.
 *
 * vpmaddubsw multiplies unsigned by signed bytes and adds pairs into 16 bits *with saturation*, and 255 · 127 · 2 does not
 * fit. So a byte of weight is taken as two nibbles: 15 · 127 · 2 fits eight times over (30480 ≤ 32767), which is one
 * record of 32 columns, and the two sums are put together in 32 bits at its end. Q4_0 weights are nibbles already.
 * Activation codes lie in −127 … 127 (kern/scalar.c), so no product is larger.
 *
 * Threading: pure functions. */
#include <string.h>

#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "tensor/kern/kern.h"
#include "tensor/kern/target.h"

#if defined(__x86_64__)
#include <immintrin.h>

FH_TARGET_BEGIN("avx2,fma,f16c")

#include "tensor/kern/lanes256.h"
#include "tensor/kern/wide.h"
#include "tensor/kern/wide_codes.h"

/* Tokens at once: of Q8_0 two sums a token must stay in registers, of Q4_0 one. */
enum { Q8_TOKENS = 3, Q4_TOKENS = 6, VECTORS = KERN_ROWS / 8 };

LANES_FN __m256i broadcast(const uint8_t *at) {
    int32_t x = 0;
    memcpy(&x, at, sizeof x);
    return _mm256_set1_epi32(x);
}

LANES_FN __m256i nibbles(__m256i bytes) {
    return _mm256_and_si256(bytes, _mm256_set1_epi8(15));
}

/* Σ code · (weight + 128) of 8 rows and 32 columns for each token. */
LANES_FN void q8_dots(const uint8_t *w, const uint8_t *record, unsigned tokens, __m256i *dot) {
    __m256i low[Q8_TOKENS], high[Q8_TOKENS];
    const __m256i ones = _mm256_set1_epi16(1), sixteens = _mm256_set1_epi16(16);
    for (unsigned t = 0; t < tokens; t++)
        low[t] = high[t] = _mm256_setzero_si256();
    for (unsigned g = 0; g < 8; g++) {
        __m256i bytes = _mm256_loadu_si256((const void *)(w + 128 * g));
        __m256i l = nibbles(bytes), h = nibbles(_mm256_srli_epi16(bytes, 4));
        for (unsigned t = 0; t < tokens; t++) {
            __m256i x = broadcast(record + t * KERN_BLOCK + 4 * g);
            low[t] = _mm256_add_epi16(low[t], _mm256_maddubs_epi16(l, x));
            high[t] = _mm256_add_epi16(high[t], _mm256_maddubs_epi16(h, x));
        }
    }
    for (unsigned t = 0; t < tokens; t++)
        dot[t] = _mm256_add_epi32(_mm256_madd_epi16(low[t], ones), _mm256_madd_epi16(high[t], sixteens));
}

/* Σ code · (weight + 8) of 8 rows and 32 columns for each token. */
LANES_FN void q4_dots(const uint8_t *w, const uint8_t *record, unsigned tokens, __m256i *dot) {
    __m256i sum[Q4_TOKENS];
    for (unsigned t = 0; t < tokens; t++)
        sum[t] = _mm256_setzero_si256();
    for (unsigned g = 0; g < 4; g++) {
        __m256i bytes = _mm256_loadu_si256((const void *)(w + 128 * g));
        __m256i l = nibbles(bytes), h = nibbles(_mm256_srli_epi16(bytes, 4));
        for (unsigned t = 0; t < tokens; t++) {
            const uint8_t *codes = record + t * KERN_BLOCK + 4 * g;
            sum[t] = _mm256_add_epi16(sum[t], _mm256_maddubs_epi16(l, broadcast(codes)));
            sum[t] = _mm256_add_epi16(sum[t], _mm256_maddubs_epi16(h, broadcast(codes + 16)));
        }
    }
    for (unsigned t = 0; t < tokens; t++)
        dot[t] = _mm256_madd_epi16(sum[t], _mm256_set1_epi16(1));
}

/* −128 · Σcodes of a token (Q4_0: −8 · Σcodes) in every lane. */
LANES_FN __m256i bias_of(fh_dtype dtype, const uint8_t *record, unsigned t) {
    __m256i bias = _mm256_sub_epi32(broadcast(record + KERN_RECORD_BIAS + 4 * t), _mm256_set1_epi32(KERN_MAGIC_BITS));
    return dtype == FH_DTYPE_Q8_0 ? bias : _mm256_srai_epi32(bias, 4);
}

LANES_FN void store_rows(const struct kern_tile *t, unsigned token, const __m256 acc[VECTORS]) {
    for (unsigned i = 0; i < 2; i++) {
        if (t->rows <= LANES * i)
            return;
        size_t n = t->rows - LANES * i < LANES ? t->rows - LANES * i : LANES;
        float *y = t->y + token * t->y_stride + LANES * i;
        lanes sum = {acc[2 * i], acc[2 * i + 1]};
        lanes_store_n(y, n, lanes_canonical(t->add ? lanes_add(lanes_load_n(y, n), sum) : sum));
    }
}

/* `tokens` from `first` on; dtype and tokens are constants where this is inlined. */
LANES_FN void block_part(const struct kern_tile *t, fh_dtype dtype, unsigned first, unsigned tokens) {
    __m256 acc[KERN_TOKENS][VECTORS];
    const size_t bytes = dtype == FH_DTYPE_Q8_0 ? KERN_Q8_RECORD : KERN_Q4_RECORD;
    struct kern_ahead ahead = t->ahead;
    const uint8_t *w = t->w, *record = t->records, *end = t->w + t->cols / KERN_BLOCK * bytes;
    for (unsigned j = 0; j < tokens; j++)
        for (unsigned v = 0; v < VECTORS; v++)
            acc[j][v] = _mm256_setzero_ps();
    for (; w < end; w += bytes, record += KERN_RECORD) {
        prefetch(&ahead);
        for (unsigned v = 0; v < VECTORS; v++) {
            __m256i dot[KERN_TOKENS];
            __m256 scale = _mm256_cvtph_ps(_mm_loadu_si128((const void *)(w + 16 * v)));
            if (dtype == FH_DTYPE_Q8_0)
                q8_dots(w + 2 * KERN_ROWS + 32 * v, record + first * KERN_BLOCK, tokens, dot);
            else
                q4_dots(w + 2 * KERN_ROWS + 32 * v, record + first * KERN_BLOCK, tokens, dot);
            for (unsigned j = 0; j < tokens; j++) {
                __m256 whole = _mm256_cvtepi32_ps(_mm256_add_epi32(dot[j], bias_of(dtype, record, first + j)));
                __m256 by = _mm256_castsi256_ps(broadcast(record + KERN_RECORD_SCALE + 4 * (first + j)));
                acc[j][v] = _mm256_add_ps(acc[j][v], _mm256_mul_ps(_mm256_mul_ps(whole, scale), by));
            }
        }
    }
    for (unsigned j = 0; j < tokens; j++)
        store_rows(t, first + j, acc[j]);
}

static void q8_tile(const struct kern_tile *t) {
    for (unsigned first = 0; first < t->tokens; first += Q8_TOKENS)
        switch (t->tokens - first) {
        case 1: block_part(t, FH_DTYPE_Q8_0, first, 1); break;
        case 2: block_part(t, FH_DTYPE_Q8_0, first, 2); break;
        default: block_part(t, FH_DTYPE_Q8_0, first, Q8_TOKENS); break;
        }
}

static void avx2_block_tile(const struct kern_tile *t) {
    if (t->dtype == FH_DTYPE_Q8_0) {
        q8_tile(t);
        return;
    }
    switch (t->tokens) {
    case 1: block_part(t, FH_DTYPE_Q4_0, 0, 1); break;
    case 2: block_part(t, FH_DTYPE_Q4_0, 0, 2); break;
    case 3: block_part(t, FH_DTYPE_Q4_0, 0, 3); break;
    case 4: block_part(t, FH_DTYPE_Q4_0, 0, 4); break;
    case 5: block_part(t, FH_DTYPE_Q4_0, 0, 5); break;
    default: block_part(t, FH_DTYPE_Q4_0, 0, 6); break;
    }
}

FH_TARGET_END

const struct kern fh_kern_avx2 = {
    .isa = FH_ISA_AVX2,
    .norm = wide_norm,
    .pack = wide_pack,
    .block_tile = avx2_block_tile,
    .float_tile = wide_float_tile,
    .glu = wide_glu,
    .rope = wide_rope,
    .halve = wide_halve,
    .attend = wide_attend,
    .attend_end = wide_attend_end,
    .mix = wide_mix,
    .score = wide_score,
    .score_codes = wide_score_codes,
    .score_rows = wide_score_rows,
};
#endif
