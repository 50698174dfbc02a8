/* score.c: tiles of vectors: their layout, and the checks in front of the kernels that read them (score.h). */
#include "freehold/score.h"

#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "tensor/kern/kern.h"

static size_t element_bytes(fh_dtype t) {
    return t == FH_DTYPE_F32 ? 4 : 2;
}

fh_status fh_tile_bytes(fh_dtype t, size_t dim, size_t *out) {
    *out = 0;
    if (t != FH_DTYPE_F32 && t != FH_DTYPE_F16 && t != FH_DTYPE_BF16)
        return FH_STATUS(FH_UNSUPPORTED);
    if (dim == 0 || dim > FH_TILE_DIM_MAX)
        return FH_STATUS(FH_LIMIT);
    *out = FH_TILE_ROWS * dim * element_bytes(t);
    return FH_DONE;
}

/* Where element `c` of vector `row` begins. */
static size_t place(fh_dtype t, size_t dim, size_t row, size_t c) {
    return (row / FH_TILE_ROWS * (FH_TILE_ROWS * dim) + c * FH_TILE_ROWS + row % FH_TILE_ROWS) * element_bytes(t);
}

static float element(fh_tile_view t, size_t row, size_t c) {
    size_t at = place(t.dtype, t.dim, row, c);
    switch ((int)t.dtype) {
    case FH_DTYPE_F32: return fh_f32_of_bits(fh_span_u32(t.bytes, at));
    case FH_DTYPE_F16: return fh_f32_of_f16(fh_span_u16(t.bytes, at));
    default: return fh_f32_of_bf16(fh_span_u16(t.bytes, at));
    }
}

static void put(fh_tiles t, size_t row, size_t c, float x) {
    size_t at = place(t.dtype, t.dim, row, c);
    switch ((int)t.dtype) {
    case FH_DTYPE_F32: fh_mspan_put_u32(t.bytes, at, fh_bits_of_f32(x)); break;
    case FH_DTYPE_F16: fh_mspan_put_u16(t.bytes, at, fh_f16_of_f32(x)); break;
    default: fh_mspan_put_u16(t.bytes, at, fh_bf16_of_f32(x)); break;
    }
}

void fh_tile_put(fh_tiles tiles, size_t row, fh_f32s vector) {
    FH_ASSERT(vector.count == tiles.dim);
    for (size_t c = 0; c < tiles.dim; c++)
        put(tiles, row, c, fh_f32s_get(vector, c));
}

void fh_tile_copy(fh_tiles to_tiles, size_t to, fh_tile_view from_tiles, size_t from) {
    FH_ASSERT(to_tiles.dim == from_tiles.dim && to_tiles.dtype == from_tiles.dtype);
    for (size_t c = 0; c < to_tiles.dim; c++)
        put(to_tiles, to, c, element(from_tiles, from, c));
}

void fh_tile_get(fh_tile_view tiles, size_t row, fh_f32s vector) {
    FH_ASSERT(vector.count == tiles.dim);
    for (size_t c = 0; c < tiles.dim; c++)
        fh_f32s_set(vector, c, element(tiles, row, c));
}

fh_status fh_score(fh_isa isa, fh_tile_view tiles, fh_score_kind kind, fh_f32s queries, fh_f32s out) {
    const struct kern *kern = fh_kern_get(isa);
    size_t tile_bytes;
    if (kern == NULL || isa > fh_isa_best() || kind >= FH_SCORE_COUNT)
        return FH_STATUS(FH_UNSUPPORTED);
    FH_TRY(fh_tile_bytes(tiles.dtype, tiles.dim, &tile_bytes));
    size_t count = tiles.bytes.size / tile_bytes, asked = queries.count / tiles.dim, rows = count * FH_TILE_ROWS;
    if (tiles.bytes.size % tile_bytes != 0 || queries.count % tiles.dim != 0 || (rows != 0 && out.count / rows != asked) ||
        out.count != asked * rows)
        return FH_STATUS(FH_INVALID);
    if (out.count != 0)
        kern->score(&(struct kern_score){.dtype = tiles.dtype, .differs = kind == FH_SCORE_DIFF, .tiles = tiles.bytes.at,
                                         .cols = tiles.dim, .count = count, .x = queries.at, .queries = asked,
                                         .y = out.at, .y_stride = rows});
    return FH_DONE;
}

fh_status fh_score_rows(fh_isa isa, fh_f32s rows, size_t dim, fh_score_kind kind, fh_f32s query, fh_u32s which, fh_f32s out) {
    const struct kern *kern = fh_kern_get(isa);
    if (kern == NULL || isa > fh_isa_best() || kind >= FH_SCORE_COUNT)
        return FH_STATUS(FH_UNSUPPORTED);
    if (dim == 0 || query.count != dim || rows.count % dim != 0 || out.count != which.count)
        return FH_STATUS(FH_INVALID);
    for (size_t i = 0; i < which.count; i++)
        if (fh_u32s_get(which, i) >= rows.count / dim)
            return FH_STATUS(FH_INVALID);
    if (which.count != 0)
        kern->score_rows(&(struct kern_rows){.differs = kind == FH_SCORE_DIFF, .rows = rows.at, .x = query.at, .cols = dim,
                                             .which = which.at, .count = which.count, .y = out.at});
    return FH_DONE;
}
