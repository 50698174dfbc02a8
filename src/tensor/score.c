/* score.c: tiles of vectors: their layout, and the checks in front of the kernels that read them (score.h). */
#include "freehold/score.h"

#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "tensor/kern/kern.h"

enum { CODE_MAX = 127, WORD = 4 };

static size_t element_bytes(fh_vector_type t) {
    return t == FH_VECTOR_F32 ? 4 : 2;
}

size_t fh_codes_words(fh_vector_type t, size_t dim) {
    FH_ASSERT(dim != 0 && dim <= FH_TILE_DIM_MAX);
    return t == FH_VECTOR_I8 ? KERN_CODE_HEAD + (dim + 3) / 4 : t == FH_VECTOR_B1 ? (dim + 31) / 32 : 0;
}

fh_status fh_tile_bytes(fh_vector_type t, size_t dim, size_t *out) {
    *out = 0;
    if (t >= FH_VECTOR_COUNT)
        return FH_STATUS(FH_UNSUPPORTED);
    if (dim == 0 || dim > FH_TILE_DIM_MAX)
        return FH_STATUS(FH_LIMIT);
    *out = FH_TILE_ROWS * (fh_vector_is_code(t) ? fh_codes_words(t, dim) * WORD : dim * element_bytes(t));
    return FH_DONE;
}

/* --- codes ---------------------------------------------------------------------------------------------------------- */

/* Where the words of one vector lie: those of a query side by side, those of a tile's vector a line apart. */
typedef struct line {
    size_t from, step;
} line;

static line line_of(fh_vector_type t, size_t dim, size_t row) {
    size_t lines = row / FH_TILE_ROWS * fh_codes_words(t, dim);
    return (line){(lines * FH_TILE_ROWS + row % FH_TILE_ROWS) * WORD, FH_TILE_ROWS * WORD};
}

static uint32_t word_at(fh_span bytes, line l, size_t w) {
    return fh_span_u32(bytes, l.from + w * l.step);
}

static int32_t code_at(fh_span bytes, line l, size_t c) {
    return (int8_t)(word_at(bytes, l, KERN_CODE_HEAD + c / 4) >> 8 * (c % 4));
}

/* What element `c` of codes stands for. */
static float meant(fh_vector_type t, fh_span bytes, line l, size_t c) {
    if (t == FH_VECTOR_I8)
        return fh_f32_of_bits(word_at(bytes, l, 0)) * (float)code_at(bytes, l, c);
    return (word_at(bytes, l, c / 32) >> c % 32 & 1) != 0 ? 1.0f : -1.0f;
}

/* The bits of scale² · Σ code²: the second word of I8. */
static uint32_t squares_of(fh_span bytes, line l, size_t dim) {
    double scale = (double)fh_f32_of_bits(word_at(bytes, l, 0)), sum = 0.0;
    for (size_t c = 0; c < dim; c++)
        sum += (double)(code_at(bytes, l, c) * code_at(bytes, l, c));
    return fh_bits_of_f32((float)(scale * scale * sum));
}

/* The whole number nearest to x, the even one from the middle: |x| ≤ 2^51. */
static int32_t nearest(double x) {
    const double magic = 0x1.8p52;
    return (int32_t)((x + magic) - magic);
}

static void put_i8(fh_mspan bytes, line l, fh_f32s x) {
    double most = 0.0;
    for (size_t c = 0; c < x.count; c++) {
        double size = (double)fh_f32s_get(x, c);
        size = size < 0.0 ? -size : size;
        most = size > most ? size : most;
    }
    double inverse = most > 0.0 ? (double)CODE_MAX / most : 0.0;
    for (size_t first = 0, at = l.from + KERN_CODE_HEAD * l.step; first < x.count; first += 4, at += l.step) {
        uint32_t word = 0;
        for (size_t i = 0; i < 4 && first + i < x.count; i++)
            word |= (uint32_t)(uint8_t)nearest((double)fh_f32s_get(x, first + i) * inverse) << 8 * i;
        fh_mspan_put_u32(bytes, at, word);
    }
    fh_mspan_put_u32(bytes, l.from, fh_bits_of_f32((float)(most / (double)CODE_MAX)));
    fh_mspan_put_u32(bytes, l.from + l.step, squares_of(fh_span_of_mut(bytes), l, x.count));
}

static void put_b1(fh_mspan bytes, line l, fh_f32s x) {
    for (size_t first = 0, at = l.from; first < x.count; first += 32, at += l.step) {
        uint32_t word = 0;
        for (size_t i = 0; i < 32 && first + i < x.count; i++)
            word |= (uint32_t)(fh_f32s_get(x, first + i) > 0.0f) << i;
        fh_mspan_put_u32(bytes, at, word);
    }
}

void fh_codes_put(fh_vector_type t, fh_f32s vector, fh_u32s codes) {
    FH_ASSERT(fh_vector_is_code(t) && codes.count == fh_codes_words(t, vector.count));
    if (t == FH_VECTOR_I8)
        put_i8(fh_u32s_bytes(codes), (line){0, WORD}, vector);
    else
        put_b1(fh_u32s_bytes(codes), (line){0, WORD}, vector);
}

void fh_codes_get(fh_vector_type t, fh_u32s codes, fh_f32s vector) {
    FH_ASSERT(fh_vector_is_code(t) && codes.count == fh_codes_words(t, vector.count));
    for (size_t c = 0; c < vector.count; c++)
        fh_f32s_set(vector, c, meant(t, fh_span_of_mut(fh_u32s_bytes(codes)), (line){0, WORD}, c));
}

/* --- tiles ---------------------------------------------------------------------------------------------------------- */

/* Where element `c` of vector `row` begins, in a type of numbers. */
static size_t place(fh_vector_type t, size_t dim, size_t row, size_t c) {
    return (row / FH_TILE_ROWS * (FH_TILE_ROWS * dim) + c * FH_TILE_ROWS + row % FH_TILE_ROWS) * element_bytes(t);
}

static void put(fh_tiles t, size_t row, size_t c, float x) {
    size_t at = place(t.type, t.dim, row, c);
    if (t.type == FH_VECTOR_F32)
        fh_mspan_put_u32(t.bytes, at, fh_bits_of_f32(x));
    else
        fh_mspan_put_u16(t.bytes, at, t.type == FH_VECTOR_F16 ? fh_f16_of_f32(x) : fh_bf16_of_f32(x));
}

static float element(fh_tile_view t, size_t row, size_t c) {
    if (fh_vector_is_code(t.type))
        return meant(t.type, t.bytes, line_of(t.type, t.dim, row), c);
    size_t at = place(t.type, t.dim, row, c);
    if (t.type == FH_VECTOR_F32)
        return fh_f32_of_bits(fh_span_u32(t.bytes, at));
    return t.type == FH_VECTOR_F16 ? fh_f32_of_f16(fh_span_u16(t.bytes, at)) : fh_f32_of_bf16(fh_span_u16(t.bytes, at));
}

void fh_tile_put(fh_tiles tiles, size_t row, fh_f32s vector) {
    FH_ASSERT(vector.count == tiles.dim);
    if (tiles.type == FH_VECTOR_I8)
        put_i8(tiles.bytes, line_of(tiles.type, tiles.dim, row), vector);
    else if (tiles.type == FH_VECTOR_B1)
        put_b1(tiles.bytes, line_of(tiles.type, tiles.dim, row), vector);
    else
        for (size_t c = 0; c < tiles.dim; c++)
            put(tiles, row, c, fh_f32s_get(vector, c));
}

static void copy_codes(fh_tiles to_tiles, size_t to, fh_tile_view from_tiles, size_t from) {
    line target = line_of(to_tiles.type, to_tiles.dim, to), source = line_of(to_tiles.type, to_tiles.dim, from);
    for (size_t w = 0; w < fh_codes_words(to_tiles.type, to_tiles.dim); w++)
        fh_mspan_put_u32(to_tiles.bytes, target.from + w * target.step, word_at(from_tiles.bytes, source, w));
}

void fh_tile_copy(fh_tiles to_tiles, size_t to, fh_tile_view from_tiles, size_t from) {
    FH_ASSERT(to_tiles.dim == from_tiles.dim && to_tiles.type == from_tiles.type);
    if (fh_vector_is_code(to_tiles.type)) {
        copy_codes(to_tiles, to, from_tiles, from);
        return;
    }
    for (size_t c = 0; c < to_tiles.dim; c++)
        put(to_tiles, to, c, element(from_tiles, from, c));
}

void fh_tile_get(fh_tile_view tiles, size_t row, fh_f32s vector) {
    FH_ASSERT(vector.count == tiles.dim);
    for (size_t c = 0; c < tiles.dim; c++)
        fh_f32s_set(vector, c, element(tiles, row, c));
}

bool fh_tile_is_put(fh_tile_view tiles, size_t row) {
    if (!fh_vector_is_code(tiles.type))
        return true;
    line l = line_of(tiles.type, tiles.dim, row);
    size_t unit = tiles.type == FH_VECTOR_I8 ? 4 : 32, words = fh_codes_words(tiles.type, tiles.dim);
    size_t used = tiles.dim - (tiles.dim - 1) / unit * unit; /* elements of the last word */
    if (used < unit && word_at(tiles.bytes, l, words - 1) >> used * (32 / unit) != 0)
        return false;
    if (tiles.type == FH_VECTOR_B1)
        return true;
    float scale = fh_f32_of_bits(word_at(tiles.bytes, l, 0));
    for (size_t c = 0; c < tiles.dim; c++)
        if (code_at(tiles.bytes, l, c) < -CODE_MAX)
            return false;
    return scale >= 0.0f && scale - scale == 0.0f && word_at(tiles.bytes, l, 1) == squares_of(tiles.bytes, l, tiles.dim);
}

/* --- scores --------------------------------------------------------------------------------------------------------- */

/* The kernels, and how many tiles there are. */
static fh_status look(fh_isa isa, fh_tile_view tiles, fh_score_kind kind, bool codes, fh_out const struct kern **kern,
                      fh_out size_t *count) {
    size_t tile_bytes;
    *kern = fh_kern_get(isa);
    *count = 0;
    if (*kern == NULL || isa > fh_isa_best() || kind >= FH_SCORE_COUNT || fh_vector_is_code(tiles.type) != codes)
        return FH_STATUS(FH_UNSUPPORTED);
    FH_TRY(fh_tile_bytes(tiles.type, tiles.dim, &tile_bytes));
    *count = tiles.bytes.size / tile_bytes;
    return FH_STATUS(tiles.bytes.size % tile_bytes == 0 ? FH_OK : FH_INVALID);
}

/* True if the queries are whole, and there is room for a score of each for every vector. */
static bool fits(size_t numbers, size_t each, size_t rows, size_t room) {
    return numbers % each == 0 && (rows == 0 || room / rows == numbers / each) && room == numbers / each * rows;
}

fh_status fh_score(fh_isa isa, fh_tile_view tiles, fh_score_kind kind, fh_f32s queries, fh_f32s out) {
    static const fh_dtype types[] = {FH_DTYPE_F32, FH_DTYPE_F16, FH_DTYPE_BF16};
    const struct kern *kern;
    size_t count;
    FH_TRY(look(isa, tiles, kind, false, &kern, &count));
    if (!fits(queries.count, tiles.dim, count * FH_TILE_ROWS, out.count))
        return FH_STATUS(FH_INVALID);
    if (out.count != 0)
        kern->score(&(struct kern_score){.dtype = types[tiles.type], .differs = kind == FH_SCORE_DIFF, .tiles = tiles.bytes.at,
                                         .cols = tiles.dim, .count = count, .x = queries.at,
                                         .queries = queries.count / tiles.dim, .y = out.at, .y_stride = count * FH_TILE_ROWS});
    return FH_DONE;
}

fh_status fh_score_codes(fh_isa isa, fh_tile_view tiles, fh_score_kind kind, fh_u32s queries, fh_f32s out) {
    const struct kern *kern;
    size_t count;
    FH_TRY(look(isa, tiles, kind, true, &kern, &count));
    size_t words = fh_codes_words(tiles.type, tiles.dim);
    if (!fits(queries.count, words, count * FH_TILE_ROWS, out.count))
        return FH_STATUS(FH_INVALID);
    if (out.count != 0)
        kern->score_codes(&(struct kern_codes){.bits = tiles.type == FH_VECTOR_B1, .differs = kind == FH_SCORE_DIFF,
                                               .tiles = tiles.bytes.at, .cols = tiles.dim, .words = words, .count = count,
                                               .x = queries.at, .queries = queries.count / words, .y = out.at,
                                               .y_stride = count * FH_TILE_ROWS});
    return FH_DONE;
}

fh_status fh_score_rows(fh_isa isa, fh_span rows, size_t dim, fh_score_kind kind, fh_f32s query, fh_u32s which, fh_f32s out) {
    const struct kern *kern = fh_kern_get(isa);
    if (kern == NULL || isa > fh_isa_best() || kind >= FH_SCORE_COUNT)
        return FH_STATUS(FH_UNSUPPORTED);
    if (dim == 0 || dim > FH_TILE_DIM_MAX || query.count != dim || rows.size % (dim * sizeof(float)) != 0 ||
        out.count != which.count)
        return FH_STATUS(FH_INVALID);
    for (size_t i = 0; i < which.count; i++)
        if (fh_u32s_get(which, i) >= rows.size / (dim * sizeof(float)))
            return FH_STATUS(FH_INVALID);
    if (which.count != 0)
        kern->score_rows(&(struct kern_rows){.differs = kind == FH_SCORE_DIFF, .rows = rows.at, .x = query.at, .cols = dim,
                                             .which = which.at, .count = which.count, .y = out.at});
    return FH_DONE;
}
