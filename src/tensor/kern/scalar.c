/* scalar.c: the specification of every kernel, in plain C.
 *
 * Each function is the definition of its operation down to the last bit; avx2.c and avx512.c are compared with it bit for
 * bit. Three rules make that possible. A sum over columns runs in 16 lanes (lane = column mod 16, ascending, missing
 * columns are zeros) and ends in the tree i+8, i+4, i+2, i+1. Multiply and add round separately, but for float weights,
 * which are defined with fused multiply-add. A NaN is stored as the one NaN, because which of several NaNs an operation
 * passes on is the processor's choice.
 *
 * Threading: pure functions. */
#include <string.h>

#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "tensor/kern/kern.h"

enum { LANES = 16 };

static float canonical(float x) {
    return x != x ? fh_f32_of_bits(0x7fc00000u) : x;
}

/* a·b + c with one rounding, without the instruction: the product is exact in float64; the sum is rounded to odd there (S.
 * Boldo and G. Melquiond, "Emulation of FMA and correctly rounded sums", 2008), which makes the second rounding right. */
static float fused(float a, float b, float c) {
    union {
        double f;
        uint64_t u;
    } s;
    double p = (double)a * (double)b;
    s.f = p + (double)c;
    double back = s.f - p, rest = (p - (s.f - back)) + ((double)c - back);
    if (s.f - s.f == 0.0 && rest != 0.0 && (s.u & 1) == 0)
        s.u += (rest > 0.0) == (s.f > 0.0) ? 1 : (uint64_t)-1;
    return (float)s.f;
}

/* The tree over 16 lanes; destroys them. */
static float tree(float lane[LANES]) {
    for (unsigned step = LANES / 2; step > 0; step /= 2)
        for (unsigned i = 0; i < step; i++)
            lane[i] = lane[i] + lane[i + step];
    return lane[0];
}

/* Element i of a row of plain weights. */
static float weight_at(fh_dtype t, const uint8_t *row, size_t i) {
    uint16_t half = 0;
    if (t == FH_DTYPE_F32) {
        float x = 0;
        memcpy(&x, row + 4 * i, sizeof x);
        return x;
    }
    memcpy(&half, row + 2 * i, sizeof half);
    return t == FH_DTYPE_F16 ? fh_f32_of_f16(half) : fh_f32_of_bf16(half);
}

static void scalar_norm(const float *x, const uint8_t *w, size_t cols, float eps, float *y) {
    float lane[LANES] = {0};
    for (size_t i = 0; i < cols; i++)
        lane[i % LANES] = lane[i % LANES] + x[i] * x[i];
    float inverse = 1.0f / fh_sqrtf(tree(lane) / (float)cols + eps);
    for (size_t i = 0; i < cols; i++)
        y[i] = canonical((x[i] * inverse) * weight_at(FH_DTYPE_F32, w, i));
}

/* One block of 32 activations: scale = max|x| / 127, codes = round to even of x · (127 / max|x|). A block below 2^-120 is
 * zeros of scale 0, so that 127 / max|x| is finite; one with an infinity or NaN is zeros of scale NaN. Magnitudes are
 * compared as integers. */
static void pack_block(const float *x, unsigned t, uint8_t *record) {
    uint32_t most = 0;
    for (unsigned c = 0; c < KERN_BLOCK; c++) {
        uint32_t magnitude = fh_bits_of_f32(x[c]) & 0x7fffffffu;
        most = magnitude > most ? magnitude : most;
    }
    float max = fh_f32_of_bits(most);
    bool finite = most < 0x7f800000u, zero = max < 0x1p-120f || !finite;
    float scale = !finite ? fh_f32_of_bits(0x7fc00000u) : zero ? 0.0f : max / 127.0f;
    float inverse = zero ? 0.0f : 127.0f / max;
    int32_t sum = 0;
    for (unsigned c = 0; c < KERN_BLOCK; c++) {
        int8_t code = zero ? 0 : (int8_t)((x[c] * inverse + KERN_MAGIC) - KERN_MAGIC);
        record[t * KERN_BLOCK + c] = (uint8_t)code;
        sum += code;
    }
    int32_t bias = KERN_MAGIC_BITS - 128 * sum;
    memcpy(record + KERN_RECORD_BIAS + 4 * t, &bias, sizeof bias);
    memcpy(record + KERN_RECORD_SCALE + 4 * t, &scale, sizeof scale);
}

static void scalar_pack(const float *x, size_t cols, unsigned slot, uint8_t *group) {
    for (size_t b = 0; b < cols / KERN_BLOCK; b++)
        pack_block(x + b * KERN_BLOCK, slot, group + b * KERN_RECORD);
}

/* Σ code · (weight + offset) of one row and token, exactly; Q8_0: offset 128, Q4_0: offset 8. */
static int32_t block_dot(fh_dtype t, const uint8_t *codes, const uint8_t *record, unsigned token) {
    int32_t dot = 0;
    for (unsigned c = 0; c < KERN_BLOCK; c++) {
        int32_t weight = 0;
        if (t == FH_DTYPE_Q8_0) {
            weight = codes[c / 4 * (4 * KERN_ROWS) + c % 4];
        } else {
            unsigned byte = codes[c % 16 / 4 * (4 * KERN_ROWS) + c % 4];
            weight = (int32_t)(c < 16 ? byte & 15u : byte >> 4);
        }
        dot += weight * (int8_t)record[token * KERN_BLOCK + c];
    }
    return dot;
}

/* acc = acc + (float(dot) · weight scale) · activation scale, blocks ascending; the dot is that of weights without their
 * offset. */
static float block_row(const struct kern_tile *t, unsigned row, unsigned token) {
    size_t record_bytes = fh_kern_record_bytes(t->dtype);
    float acc = 0.0f;
    for (size_t b = 0; b < t->cols / KERN_BLOCK; b++) {
        const uint8_t *w = t->w + b * record_bytes, *record = t->records + b * KERN_RECORD;
        int32_t bias = 0;
        float scale = 0;
        uint16_t half = 0;
        memcpy(&bias, record + KERN_RECORD_BIAS + 4 * token, sizeof bias);
        memcpy(&scale, record + KERN_RECORD_SCALE + 4 * token, sizeof scale);
        memcpy(&half, w + 2 * row, sizeof half);
        bias -= KERN_MAGIC_BITS;
        int32_t dot = block_dot(t->dtype, w + 2 * KERN_ROWS + 4 * row, record, token) +
                      (t->dtype == FH_DTYPE_Q8_0 ? bias : bias / 16);
        acc = acc + ((float)dot * fh_f32_of_f16(half)) * scale;
    }
    return acc;
}

static void scalar_block_tile(const struct kern_tile *t) {
    for (unsigned token = 0; token < t->tokens; token++)
        for (unsigned row = 0; row < t->rows; row++) {
            float *y = t->y + token * t->y_stride + row;
            float acc = block_row(t, row, token);
            *y = canonical(t->add ? *y + acc : acc);
        }
}

/* lane = fma(x, w, lane), columns ascending and padded with zeros to a multiple of 16, then the tree. */
static void scalar_float_tile(const struct kern_tile *t) {
    size_t element = t->dtype == FH_DTYPE_F32 ? 4 : 2, padded = (t->cols + LANES - 1) / LANES * LANES;
    for (unsigned token = 0; token < t->tokens; token++)
        for (unsigned row = 0; row < t->rows; row++) {
            float lane[LANES] = {0};
            const float *x = t->x + token * t->x_stride;
            const uint8_t *w = t->w + row * t->cols * element;
            for (size_t i = 0; i < padded; i++)
                lane[i % LANES] = i < t->cols ? fused(x[i], weight_at(t->dtype, w, i), lane[i % LANES])
                                              : lane[i % LANES] + 0.0f;
            float *y = t->y + token * t->y_stride + row, acc = tree(lane);
            *y = canonical(t->add ? *y + acc : acc);
        }
}

static void scalar_glu(const float *gate, const float *up, size_t count, float *y) {
    for (size_t i = 0; i < count; i++)
        y[i] = canonical((gate[i] / (1.0f + fh_expf(-gate[i]))) * up[i]);
}

/* (a, b) becomes (a·cos − b·sin, a·sin + b·cos). */
static void scalar_rope(float *x, const float *cs, size_t rot, bool halves) {
    size_t pairs = rot / 2;
    for (size_t i = 0; i < pairs; i++) {
        float *a = halves ? x + i : x + 2 * i, *b = halves ? x + i + pairs : x + 2 * i + 1;
        float c = cs[i], s = cs[pairs + i], old = *a;
        *a = canonical(old * c - *b * s);
        *b = canonical(old * s + *b * c);
    }
}

static void scalar_halve(const float *x, size_t count, uint16_t *y) {
    for (size_t i = 0; i < count; i++)
        y[i] = fh_f16_of_f32(x[i]);
}

/* One block for one query. Scores sum over head_dim ascending; the block's maximum moves the running one; the sum of
 * exponentials runs in 16 lanes (lane = position mod 16) and the tree; outputs take positions in ascending order. A NaN
 * among the scores makes the sum, and so every output, NaN, whatever maximum was chosen. */
static void attend_query(const struct kern_attend *a, struct kern_query *query) {
    float p[FH_KV_BLOCK] = {0}, lane[LANES] = {0}, max = query->max;
    for (unsigned j = 0; j < query->count; j++) {
        float score = 0.0f;
        for (size_t d = 0; d < a->head_dim; d++)
            score = score + query->q[d] * fh_f32_of_f16(a->k[d * FH_KV_BLOCK + j]);
        p[j] = score * a->scale;
        max = p[j] > max ? p[j] : max;
    }
    for (unsigned j = 0; j < query->count; j++) {
        p[j] = fh_expf(p[j] - max);
        lane[j % LANES] = lane[j % LANES] + p[j];
    }
    float keep = fh_expf(query->max - max);
    query->sum = query->sum * keep + tree(lane);
    query->max = max;
    for (size_t d = 0; d < a->head_dim; d++) {
        float out = query->out[d] * keep;
        for (unsigned j = 0; j < query->count; j++)
            out = out + p[j] * fh_f32_of_f16(a->v[j * a->head_dim + d]);
        query->out[d] = out;
    }
}

static void scalar_attend(const struct kern_attend *a) {
    for (unsigned i = 0; i < a->queries; i++)
        attend_query(a, a->query[i]);
}

static void scalar_attend_end(const struct kern_query *q, size_t head_dim, float *y) {
    for (size_t d = 0; d < head_dim; d++)
        y[d] = canonical(q->out[d] / q->sum);
}

static void scalar_mix(const float *const *x, const float *w, size_t ranks, size_t count, float *y) {
    for (size_t i = 0; i < count; i++) {
        float sum = 0.0f;
        for (size_t r = 0; r < ranks; r++)
            sum = sum + w[r] * x[r][i];
        y[i] = canonical(y[i] + sum);
    }
}

static void scalar_score(const struct kern_score *s) {
    size_t element = s->dtype == FH_DTYPE_F32 ? 4 : 2, tile_bytes = KERN_TILE_ROWS * s->cols * element;
    for (size_t q = 0; q < s->queries; q++) {
        for (size_t i = 0; i < s->count * KERN_TILE_ROWS; i++) {
            const uint8_t *tile = s->tiles + i / KERN_TILE_ROWS * tile_bytes;
            float sum = 0.0f;
            for (size_t c = 0; c < s->cols; c++) {
                float x = s->x[q * s->cols + c], v = weight_at(s->dtype, tile, c * KERN_TILE_ROWS + i % KERN_TILE_ROWS);
                sum = s->differs ? fused(x - v, x - v, sum) : fused(x, v, sum);
            }
            s->y[q * s->y_stride + i] = canonical(sum);
        }
    }
}

/* Word w of vector `i` of the tiles. */
static uint32_t code_at(const struct kern_codes *s, size_t i, size_t w) {
    uint32_t word = 0;
    memcpy(&word, s->tiles + 4 * ((i / KERN_TILE_ROWS * s->words + w) * KERN_TILE_ROWS + i % KERN_TILE_ROWS), sizeof word);
    return word;
}

/* Σ code · code from word 2 on. */
static int32_t scalar_bytes(const struct kern_codes *s, const uint32_t *x, size_t i) {
    int32_t sum = 0;
    for (size_t w = KERN_CODE_HEAD; w < s->words; w++)
        for (unsigned b = 0; b < 32; b += 8)
            sum += (int8_t)(x[w] >> b) * (int8_t)(code_at(s, i, w) >> b);
    return sum;
}

static int32_t scalar_bits(const struct kern_codes *s, const uint32_t *x, size_t i) {
    int32_t sum = 0;
    for (size_t w = 0; w < s->words; w++)
        sum += __builtin_popcount(x[w] ^ code_at(s, i, w));
    return sum;
}

static void scalar_score_codes(const struct kern_codes *s) {
    for (size_t q = 0; q < s->queries; q++)
        for (size_t i = 0; i < s->count * KERN_TILE_ROWS; i++) {
            const uint32_t *x = s->x + q * s->words;
            float *y = s->y + q * s->y_stride + i;
            if (s->bits) {
                int32_t apart = scalar_bits(s, x, i);
                *y = (float)(s->differs ? 4 * apart : (int32_t)s->cols - 2 * apart);
                continue;
            }
            float dot = (float)scalar_bytes(s, x, i) * fh_f32_of_bits(code_at(s, i, 0)) * fh_f32_of_bits(x[0]);
            float apart = fh_f32_of_bits(x[1]) + fh_f32_of_bits(code_at(s, i, 1)) - (dot + dot);
            *y = canonical(!s->differs ? dot : apart < 0.0f ? 0.0f : apart);
        }
}

static void scalar_score_rows(const struct kern_rows *r) {
    for (size_t i = 0; i < r->count; i++) {
        const uint8_t *v = r->rows + r->which[i] * r->cols * sizeof(float);
        float lane[LANES] = {0};
        for (size_t c = 0; c < r->cols; c++) {
            float y = weight_at(FH_DTYPE_F32, v, c), a = r->differs ? r->x[c] - y : r->x[c], b = r->differs ? a : y;
            lane[c % LANES] = fused(a, b, lane[c % LANES]);
        }
        r->y[i] = canonical(tree(lane));
    }
}

const struct kern fh_kern_scalar = {
    .isa = FH_ISA_SCALAR,
    .norm = scalar_norm,
    .pack = scalar_pack,
    .block_tile = scalar_block_tile,
    .float_tile = scalar_float_tile,
    .glu = scalar_glu,
    .rope = scalar_rope,
    .halve = scalar_halve,
    .attend = scalar_attend,
    .attend_end = scalar_attend_end,
    .mix = scalar_mix,
    .score = scalar_score,
    .score_codes = scalar_score_codes,
    .score_rows = scalar_score_rows,
};
