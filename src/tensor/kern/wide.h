/* wide.h: the kernels that one source serves on every instruction set with 16 float lanes, in one or two registers.
 *
 * avx2.c and avx512.c include this after their lanes header, inside their own compilation target; each gets its own copy
 * of static functions. Every function here repeats the order of operations of its definition in scalar.c; what differs is
 * only how many lanes, rows and queries are in flight.
 *
 * Threading: pure functions. */
#ifndef FREEHOLD_TENSOR_KERN_WIDE_H
#define FREEHOLD_TENSOR_KERN_WIDE_H

#include "freehold/hash.h"

/* The lines of one record, into the second-level cache: from there the processor's own prefetch is fast enough. */
LANES_FN void prefetch(struct kern_ahead *ahead) {
    for (unsigned line = ahead->from; line < ahead->to; line++)
        _mm_prefetch((const void *)(ahead->at + 64 * line), _MM_HINT_T1);
    ahead->at += ahead->record_bytes;
}

/* fh_expf in every lane. */
LANES_FN lanes wide_exp(lanes given) {
    lanes x = lanes_min(lanes_max(given, lanes_set(-88.0f)),
                        lanes_set(89.0f)); /* a NaN becomes a number and is put back at the end */
    lanes n = lanes_sub(lanes_add(lanes_mul(x, lanes_set(1.44269504f)), lanes_set(KERN_MAGIC)), lanes_set(KERN_MAGIC));
    lanes r = lanes_sub(lanes_sub(x, lanes_mul(n, lanes_set(0.693359375f))), lanes_mul(n, lanes_set(-2.12194440e-4f)));
    lanes p = lanes_set(1.9875691500e-4f);
    p = lanes_add(lanes_mul(p, r), lanes_set(1.3981999507e-3f));
    p = lanes_add(lanes_mul(p, r), lanes_set(8.3334519073e-3f));
    p = lanes_add(lanes_mul(p, r), lanes_set(4.1665795894e-2f));
    p = lanes_add(lanes_mul(p, r), lanes_set(1.6666665459e-1f));
    p = lanes_add(lanes_mul(p, r), lanes_set(5.0000001201e-1f));
    p = lanes_add(lanes_add(lanes_mul(p, lanes_mul(r, r)), r), lanes_set(1.0f));
    return lanes_below_zero(given, lanes_set(-87.33654f), lanes_scale(p, n));
}

LANES_FN size_t wide_left(size_t i, size_t count) {
    return count - i < LANES ? count - i : LANES;
}

static void wide_norm(const float *x, const uint8_t *w, size_t cols, float eps, float *y) {
    lanes sum = lanes_zero();
    for (size_t i = 0; i < cols; i += LANES) {
        lanes v = lanes_load_n(x + i, wide_left(i, cols));
        sum = lanes_add(sum, lanes_mul(v, v));
    }
    float inverse = 1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(lanes_tree(sum) / (float)cols + eps)));
    for (size_t i = 0; i < cols; i += LANES) {
        size_t n = wide_left(i, cols);
        lanes v = lanes_mul(lanes_load_n(x + i, n), lanes_set(inverse));
        lanes_store_n(y + i, n, lanes_canonical(lanes_mul(v, lanes_load_n(w + 4 * i, n))));
    }
}

static void wide_pack(const float *x, size_t cols, unsigned slot, uint8_t *group) {
    for (size_t b = 0; b < cols / KERN_BLOCK; b++, x += KERN_BLOCK, group += KERN_RECORD) {
        uint32_t most = lanes_magnitude(x);
        float max = fh_f32_of_bits(most), scale = max / 127.0f;
        int32_t sum = 0;
        if (most >= 0x03800000u && most < 0x7f800000u) { /* 2^-120 … finite */
            sum = lanes_codes(x, 127.0f / max, group + slot * KERN_BLOCK);
        } else {
            scale = most < 0x7f800000u ? 0.0f : fh_f32_of_bits(0x7fc00000u);
            memset(group + slot * KERN_BLOCK, 0, KERN_BLOCK);
        }
        int32_t bias = KERN_MAGIC_BITS - 128 * sum;
        memcpy(group + KERN_RECORD_BIAS + 4 * slot, &bias, sizeof bias);
        memcpy(group + KERN_RECORD_SCALE + 4 * slot, &scale, sizeof scale);
    }
}

static void wide_glu(const float *gate, const float *up, size_t count, float *y) {
    for (size_t i = 0; i < count; i += LANES) {
        size_t n = wide_left(i, count);
        lanes z = lanes_load_n(gate + i, n);
        lanes below = lanes_add(lanes_set(1.0f), wide_exp(lanes_sub(lanes_set(-0.0f), z)));
        lanes_store_n(y + i, n, lanes_canonical(lanes_mul(lanes_div(z, below), lanes_load_n(up + i, n))));
    }
}

static void wide_rope(float *x, const float *cs, size_t rot, bool halves) {
    size_t pairs = rot / 2;
    for (size_t i = 0; halves && i < pairs; i += LANES) {
        size_t n = wide_left(i, pairs);
        lanes a = lanes_load_n(x + i, n), b = lanes_load_n(x + pairs + i, n);
        lanes c = lanes_load_n(cs + i, n), s = lanes_load_n(cs + pairs + i, n);
        lanes_store_n(x + i, n, lanes_canonical(lanes_sub(lanes_mul(a, c), lanes_mul(b, s))));
        lanes_store_n(x + pairs + i, n, lanes_canonical(lanes_add(lanes_mul(a, s), lanes_mul(b, c))));
    }
    for (size_t i = 0; !halves && i < rot; i += LANES) {
        size_t n = wide_left(i, rot);
        lanes v = lanes_load_n(x + i, n), c = lanes_twice_n(cs + i / 2, n), s = lanes_twice_n(cs + pairs + i / 2, n);
        lanes_store_n(x + i, n, lanes_canonical(lanes_sub_add(lanes_mul(v, c), lanes_mul(lanes_swap(v), s))));
    }
}

static void wide_halve(const float *x, size_t count, uint16_t *y) {
    for (size_t i = 0; i < count; i += LANES)
        lanes_put_half_n(y + i, wide_left(i, count), lanes_load_n(x + i, wide_left(i, count)));
}

static void wide_mix(const float *const *x, const float *w, size_t ranks, size_t count, float *y) {
    for (size_t i = 0; i < count; i += LANES) {
        size_t n = wide_left(i, count);
        lanes sum = lanes_zero();
        for (size_t r = 0; r < ranks; r++)
            sum = lanes_add(sum, lanes_mul(lanes_set(w[r]), lanes_load_n(x[r] + i, n)));
        lanes_store_n(y + i, n, lanes_canonical(lanes_add(lanes_load_n(y + i, n), sum)));
    }
}

/* --- products with plain weights -------------------------------------------------------------------------------- */

LANES_FN lanes wide_weights(fh_dtype t, const uint8_t *w, size_t i, size_t n) {
    const uint8_t *at = w + i * (t == FH_DTYPE_F32 ? 4 : 2);
    if (n < LANES)
        return t == FH_DTYPE_F32 ? lanes_load_n(at, n) : t == FH_DTYPE_F16 ? lanes_half_n(at, n) : lanes_bfloat_n(at, n);
    return t == FH_DTYPE_F32 ? lanes_load(at) : t == FH_DTYPE_F16 ? lanes_half(at) : lanes_bfloat(at);
}

/* `rows` × all tokens at once. dtype, rows and tokens are constants where this is inlined. */
LANES_FN void wide_float_part(const struct kern_tile *t, fh_dtype dtype, unsigned row, unsigned rows, unsigned tokens) {
    lanes acc[FLOAT_ROWS][KERN_TOKENS], w[FLOAT_ROWS];
    const size_t element = dtype == FH_DTYPE_F32 ? 4 : 2, bytes = t->cols * element;
    const size_t whole = t->cols / LANES * LANES, tail = t->cols - whole;
    const uint8_t *from = t->w + row * bytes;
    for (unsigned r = 0; r < rows; r++)
        for (unsigned j = 0; j < tokens; j++)
            acc[r][j] = lanes_zero();
    for (size_t i = 0; i < whole; i += LANES) {
        for (unsigned r = 0; r < rows; r++) {
            w[r] = wide_weights(dtype, from + r * bytes, i, LANES);
            if (tokens <= 2) /* bound by memory: the rows after these, which may begin on other pages */
                _mm_prefetch((const void *)((uintptr_t)from + (r + rows) * bytes + i * element), _MM_HINT_T1);
        }
        for (unsigned j = 0; j < tokens; j++) {
            lanes v = lanes_load(t->x + j * t->x_stride + i);
            for (unsigned r = 0; r < rows; r++)
                acc[r][j] = lanes_fused(v, w[r], acc[r][j]);
        }
    }
    for (unsigned r = 0; tail > 0 && r < rows; r++) {
        w[r] = wide_weights(dtype, from + r * bytes, whole, tail);
        for (unsigned j = 0; j < tokens; j++)
            acc[r][j] = lanes_fused(lanes_load_n(t->x + j * t->x_stride + whole, tail), w[r], acc[r][j]);
    }
    for (unsigned j = 0; j < tokens; j++)
        for (unsigned r = 0; r < rows; r++) {
            float *y = t->y + j * t->y_stride + row + r, sum = lanes_tree(acc[r][j]);
            sum = t->add ? *y + sum : sum;
            *y = sum != sum ? fh_f32_of_bits(0x7fc00000u) : sum;
        }
}

LANES_FN void wide_float_tokens(const struct kern_tile *t, fh_dtype dtype, unsigned tokens) {
    unsigned row = 0;
    for (; row + FLOAT_ROWS <= t->rows; row += FLOAT_ROWS)
        wide_float_part(t, dtype, row, FLOAT_ROWS, tokens);
    for (; row < t->rows; row++)
        wide_float_part(t, dtype, row, 1, tokens);
}

LANES_FN void wide_float_type(const struct kern_tile *t, fh_dtype dtype) {
    switch (t->tokens) {
    case 1: wide_float_tokens(t, dtype, 1); break;
    case 2: wide_float_tokens(t, dtype, 2); break;
    case 3: wide_float_tokens(t, dtype, 3); break;
    case 4: wide_float_tokens(t, dtype, 4); break;
    case 5: wide_float_tokens(t, dtype, 5); break;
    default: wide_float_tokens(t, dtype, 6); break;
    }
}

static void wide_float_tile(const struct kern_tile *t) {
    if (t->dtype == FH_DTYPE_F32)
        wide_float_type(t, FH_DTYPE_F32);
    else if (t->dtype == FH_DTYPE_F16)
        wide_float_type(t, FH_DTYPE_F16);
    else
        wide_float_type(t, FH_DTYPE_BF16);
}

/* --- attention -------------------------------------------------------------------------------------------------- */

/* Scores of `queries` queries with SLICE · LANES positions from `j`, into p[query][position]. Positions past a query's own
 * get scores too, which nothing reads. */
LANES_FN void wide_scores(const struct kern_attend *a, unsigned first, unsigned queries, unsigned j, float (*p)[FH_KV_BLOCK]) {
    lanes acc[SLICE_QUERIES][SLICE];
    for (unsigned i = 0; i < queries; i++)
        for (unsigned s = 0; s < SLICE; s++)
            acc[i][s] = lanes_zero();
    for (size_t d = 0; d < a->head_dim; d++) {
        lanes k[SLICE];
        for (unsigned s = 0; s < SLICE; s++)
            k[s] = lanes_half(a->k + d * FH_KV_BLOCK + j + s * LANES);
        for (unsigned i = 0; i < queries; i++) {
            lanes q = lanes_set(a->query[first + i]->q[d]);
            for (unsigned s = 0; s < SLICE; s++)
                acc[i][s] = lanes_add(acc[i][s], lanes_mul(q, k[s]));
        }
    }
    for (unsigned i = 0; i < queries; i++)
        for (unsigned s = 0; s < SLICE; s++)
            lanes_store(p[i] + j + s * LANES, lanes_mul(acc[i][s], lanes_set(a->scale)));
}

/* Scores become exponentials (zeros past the query's own positions); returns what the earlier output is to be multiplied
 * with. */
LANES_FN float wide_soften(struct kern_query *query, float *p) {
    lanes most = lanes_set(query->max), sum = lanes_zero();
    for (unsigned j = 0; j < query->count; j += LANES)
        most = lanes_max(lanes_first(wide_left(j, query->count), lanes_load(p + j), lanes_set(query->max)), most);
    float max = lanes_most(most);
    for (unsigned j = 0; j < query->count; j += LANES) {
        size_t n = wide_left(j, query->count);
        lanes e = lanes_first(n, wide_exp(lanes_sub(lanes_load(p + j), lanes_set(max))), lanes_zero());
        lanes_store(p + j, e);
        sum = lanes_add(sum, e);
    }
    float keep = fh_expf(query->max - max);
    query->sum = query->sum * keep + lanes_tree(sum);
    query->max = max;
    return keep;
}

/* out[d …] of `queries` queries = out · keep + Σ p · v over positions [0, count), `slices` · LANES dimensions, the last of
 * them `last` wide. */
LANES_FN void wide_values(const struct kern_attend *a, unsigned first, unsigned queries, size_t d, unsigned slices, size_t last,
                          unsigned from, unsigned to, const float *keep, float (*p)[FH_KV_BLOCK]) {
    lanes acc[SLICE_QUERIES][SLICE];
    for (unsigned i = 0; i < queries; i++)
        for (unsigned s = 0; s < slices; s++)
            acc[i][s] = lanes_mul(lanes_load(a->query[first + i]->out + d + s * LANES), lanes_set(keep[i]));
    for (unsigned j = from; j < to; j++) {
        lanes v[SLICE];
        for (unsigned s = 0; s < slices; s++) {
            const uint16_t *at = a->v + j * a->head_dim + d + s * LANES;
            v[s] = s + 1 < slices || last == LANES ? lanes_half(at) : lanes_half_n(at, last);
        }
        for (unsigned i = 0; i < queries; i++) {
            lanes e = lanes_set(p[i][j]);
            for (unsigned s = 0; s < slices; s++)
                acc[i][s] = lanes_add(acc[i][s], lanes_mul(e, v[s]));
        }
    }
    for (unsigned i = 0; i < queries; i++)
        for (unsigned s = 0; s < slices; s++)
            lanes_store(a->query[first + i]->out + d + s * LANES, acc[i][s]);
}

/* All dimensions, for queries [first, first + queries) and positions [from, to). */
LANES_FN void wide_outputs(const struct kern_attend *a, unsigned first, unsigned queries, unsigned from, unsigned to,
                           const float *keep, float (*p)[FH_KV_BLOCK]) {
    size_t d = 0;
    for (; d + SLICE * LANES <= a->head_dim; d += SLICE * LANES)
        wide_values(a, first, queries, d, SLICE, LANES, from, to, keep, p);
    for (; d < a->head_dim; d += LANES)
        wide_values(a, first, queries, d, 1, wide_left(d, a->head_dim), from, to, keep, p);
}

/* Queries [first, first + queries) of the tile; those of shorter sight end first, the others go on one by one. */
LANES_FN void wide_attend_part(const struct kern_attend *a, unsigned first, unsigned queries) {
    float p[SLICE_QUERIES][FH_KV_BLOCK], keep[SLICE_QUERIES];
    unsigned least = FH_KV_BLOCK, most = 0;
    for (unsigned i = 0; i < queries; i++) {
        unsigned count = a->query[first + i]->count;
        least = count < least ? count : least;
        most = count > most ? count : most;
    }
    for (unsigned j = 0; j < most; j += SLICE * LANES)
        wide_scores(a, first, queries, j, p);
    for (unsigned i = 0; i < queries; i++)
        keep[i] = wide_soften(a->query[first + i], p[i]);
    wide_outputs(a, first, queries, 0, least, keep, p);
    const float one = 1.0f;
    for (unsigned i = 0; i < queries; i++)
        if (a->query[first + i]->count > least)
            wide_outputs(a, first + i, 1, least, a->query[first + i]->count, &one, p + i);
}

static void wide_attend(const struct kern_attend *a) {
    for (unsigned first = 0; first < a->queries; first += SLICE_QUERIES) {
        unsigned left = a->queries - first;
        switch (left < SLICE_QUERIES ? left : SLICE_QUERIES) {
        case 1: wide_attend_part(a, first, 1); break;
        case 2: wide_attend_part(a, first, 2); break;
        case 3: wide_attend_part(a, first, 3); break;
        case 4: wide_attend_part(a, first, 4); break;
        case 5: wide_attend_part(a, first, 5); break;
        default: wide_attend_part(a, first, SLICE_QUERIES); break;
        }
    }
}

/* --- scores ------------------------------------------------------------------------------------------------------ */

LANES_FN lanes wide_element(fh_dtype t, const uint8_t *at) {
    return t == FH_DTYPE_F32 ? lanes_load(at) : t == FH_DTYPE_F16 ? lanes_half(at) : lanes_bfloat(at);
}

/* Queries [q, q + queries) against tiles [tile, tile + tiles). */
LANES_FN void wide_score_block(const struct kern_score *s, fh_dtype t, bool differs, size_t q, unsigned queries, size_t tile,
                               unsigned tiles) {
    size_t column_bytes = KERN_TILE_ROWS * (t == FH_DTYPE_F32 ? 4u : 2u), tile_bytes = column_bytes * s->cols;
    const uint8_t *at = s->tiles + tile * tile_bytes;
    const float *x = s->x + q * s->cols;
    lanes sum[SCORE_QUERIES][SCORE_TILES];
    for (unsigned i = 0; i < queries; i++)
        for (unsigned k = 0; k < tiles; k++)
            sum[i][k] = lanes_zero();
    for (size_t c = 0; c < s->cols; c++, at += column_bytes) {
        lanes v[SCORE_TILES];
        for (unsigned k = 0; k < tiles; k++)
            v[k] = wide_element(t, at + k * tile_bytes);
        for (unsigned i = 0; i < queries; i++) {
            lanes all = lanes_set(x[i * s->cols + c]);
            for (unsigned k = 0; k < tiles; k++) {
                lanes a = differs ? lanes_sub(all, v[k]) : all, b = differs ? a : v[k];
                sum[i][k] = lanes_fused(a, b, sum[i][k]);
            }
        }
    }
    for (unsigned i = 0; i < queries; i++)
        for (unsigned k = 0; k < tiles; k++)
            lanes_store(s->y + (q + i) * s->y_stride + (tile + k) * KERN_TILE_ROWS, lanes_canonical(sum[i][k]));
}

/* One query reads one tile after the other: the processor's own prefetch follows a single stream best.
 * (Zen 4: one stream 34 GB/s, as
 * much as a sum over the same bytes; two 21, four 23, and less with prefetches by hand.) More queries share each load. */
LANES_FN void wide_score_kind(const struct kern_score *s, fh_dtype t, bool differs) {
    size_t q = 0;
    for (; q + SCORE_QUERIES <= s->queries; q += SCORE_QUERIES) {
        size_t tile = 0;
        for (; tile + SCORE_TILES <= s->count; tile += SCORE_TILES)
            wide_score_block(s, t, differs, q, SCORE_QUERIES, tile, SCORE_TILES);
        for (; tile < s->count; tile++)
            wide_score_block(s, t, differs, q, SCORE_QUERIES, tile, 1);
    }
    for (; q < s->queries; q++)
        for (size_t tile = 0; tile < s->count; tile++)
            wide_score_block(s, t, differs, q, 1, tile, 1);
}

static void wide_score(const struct kern_score *s) {
    if (s->dtype == FH_DTYPE_F32 && s->differs)
        wide_score_kind(s, FH_DTYPE_F32, true);
    else if (s->dtype == FH_DTYPE_F32)
        wide_score_kind(s, FH_DTYPE_F32, false);
    else if (s->dtype == FH_DTYPE_F16 && s->differs)
        wide_score_kind(s, FH_DTYPE_F16, true);
    else if (s->dtype == FH_DTYPE_F16)
        wide_score_kind(s, FH_DTYPE_F16, false);
    else if (s->differs)
        wide_score_kind(s, FH_DTYPE_BF16, true);
    else
        wide_score_kind(s, FH_DTYPE_BF16, false);
}

/* Rows [i, i + rows) of those that are asked for, beside each other, so that no sum waits for itself. */
LANES_FN void wide_some_rows(const struct kern_rows *r, size_t i, unsigned rows, bool differs) {
    const uint8_t *v[ROWS_TOGETHER];
    lanes sum[ROWS_TOGETHER];
    for (unsigned k = 0; k < rows; k++) {
        v[k] = r->rows + r->which[i + k] * r->cols * sizeof(float);
        sum[k] = lanes_zero();
    }
    for (size_t c = 0; c < r->cols; c += LANES) {
        size_t n = wide_left(c, r->cols);
        lanes x = lanes_load_n(r->x + c, n);
        for (unsigned k = 0; k < rows; k++) {
            lanes y = lanes_load_n(v[k] + c * sizeof(float), n), a = differs ? lanes_sub(x, y) : x, b = differs ? a : y;
            sum[k] = lanes_fused(a, b, sum[k]);
        }
    }
    for (unsigned k = 0; k < rows; k++) {
        float whole = lanes_tree(sum[k]);
        r->y[i + k] = whole != whole ? fh_f32_of_bits(0x7fc00000u) : whole;
    }
}

/* The rows lie anywhere: those after the next are on their way while these are summed. */
LANES_FN void wide_rows_kind(const struct kern_rows *r, bool differs) {
    size_t i = 0, row_bytes = r->cols * sizeof(float), lines = r->cols / LANES + 1;
    for (size_t k = 0; k < r->count && k < ROWS_TOGETHER; k++)
        for (size_t line = 0; line < lines; line++)
            _mm_prefetch((const void *)((uintptr_t)(r->rows + r->which[k] * row_bytes) + 64 * line), _MM_HINT_T0);
    for (; i + ROWS_TOGETHER <= r->count; i += ROWS_TOGETHER) {
        for (size_t k = i + ROWS_TOGETHER; k < r->count && k < i + (size_t)2 * ROWS_TOGETHER; k++)
            for (size_t line = 0; line < lines; line++)
                _mm_prefetch((const void *)((uintptr_t)(r->rows + r->which[k] * row_bytes) + 64 * line), _MM_HINT_T0);
        wide_some_rows(r, i, ROWS_TOGETHER, differs);
    }
    for (; i < r->count; i++)
        wide_some_rows(r, i, 1, differs);
}

static void wide_score_rows(const struct kern_rows *r) {
    if (r->differs)
        wide_rows_kind(r, true);
    else
        wide_rows_kind(r, false);
}

static void wide_attend_end(const struct kern_query *q, size_t head_dim, float *y) {
    for (size_t d = 0; d < head_dim; d += LANES)
        lanes_store_n(y + d, wide_left(d, head_dim), lanes_canonical(lanes_div(lanes_load(q->out + d), lanes_set(q->sum))));
}

#endif
