/* score.h: many vectors against a few queries, in tiles of 16 vectors.
 *
 *     fh_tiles t = {FH_VECTOR_F32, dim, bytes};      bytes: whole tiles of fh_tile_bytes(FH_VECTOR_F32, dim, &n) each
 *     fh_tile_put(t, row, vector)                    writes vector `row`
 *     fh_score(isa, fh_tiles_view(t), FH_SCORE_DOT, queries, out)      out[q · rows + row], rows = 16 · tiles
 *
 * A tile holds its vectors side by side: element c of vector r is element 16 c + r. So one load brings one element of 16
 * vectors, each vector is summed in a lane of its own in ascending order of c, by fused multiply-add from 0, and one pass over
 * memory serves several queries. The bits do not depend on the instruction set, on the number of queries or on a vector's
 * place. A sum that is not a number is the one NaN 0x7fc00000.
 *
 * Codes. I8 and B1 are written in words of 32 bits, and so are queries for them (fh_codes_put): word w of vector r is word
 * 16 w + r of a tile. Their products are sums of whole numbers, so nothing depends on an order.
 *
 *     I8  scale, the sum of squares that this stands for (both float32), then four codes a word: element = scale · code,
 *         scale = max |x| / 127, code = x · 127 / max |x| rounded to nearest even, so −127 … 127
 *     B1  a bit an element, the lowest first: 1 stands for +1 (x > 0), 0 for −1
 *
 * Threading: pure functions. Ownership: the caller has all memory. */
#ifndef FREEHOLD_SCORE_H
#define FREEHOLD_SCORE_H

#include "freehold/device.h"

FH_EXTERN_BEGIN

enum { FH_TILE_ROWS = 16, FH_TILE_DIM_MAX = 1 << 16 };

/* What is summed. */
typedef enum fh_score_kind {
    FH_SCORE_DOT,  /* Σ q · v */
    FH_SCORE_DIFF, /* Σ (q − v)² */
    FH_SCORE_COUNT
} fh_score_kind;

/* How the elements of a vector are stored: as numbers, or as codes that stand for numbers near them. */
typedef enum fh_vector_type {
    FH_VECTOR_F32,
    FH_VECTOR_F16,
    FH_VECTOR_BF16,
    FH_VECTOR_I8,
    FH_VECTOR_B1,
    FH_VECTOR_COUNT
} fh_vector_type;

/* True for I8 and B1. */
static inline bool fh_vector_is_code(fh_vector_type t) {
    return t == FH_VECTOR_I8 || t == FH_VECTOR_B1;
}

/* Whole tiles of vectors of `dim` elements. */
typedef struct fh_tiles {
    fh_vector_type type;
    size_t dim;
    fh_mspan bytes;
} fh_tiles;

/* The same, only to be read: perhaps of a mapped file. */
typedef struct fh_tile_view {
    fh_vector_type type;
    size_t dim;
    fh_span bytes;
} fh_tile_view;
static inline fh_tile_view fh_tiles_view(fh_tiles t) {
    return (fh_tile_view){t.type, t.dim, fh_span_of_mut(t.bytes)};
}

/* Bytes of a tile. FH_UNSUPPORTED for another type; FH_LIMIT for 0 or more than FH_TILE_DIM_MAX elements. */
FH_FALLIBLE fh_tile_bytes(fh_vector_type t, size_t dim, fh_out size_t *out);
/* Writes vector `row`: `dim` elements, rounded to the type; to a code type only finite ones. A row outside, or another number
 * of elements, ends the program. */
FH_API void fh_tile_put(fh_tiles tiles, size_t row, fh_f32s vector);
/* Copies vector `from` of one set of tiles to `to` of another of the same type and dimension, or of the same. */
FH_API void fh_tile_copy(fh_tiles to_tiles, size_t to, fh_tile_view from_tiles, size_t from);
/* Reads vector `row`: for codes, what they stand for. */
FH_API void fh_tile_get(fh_tile_view tiles, size_t row, fh_f32s vector);
/* False for a vector that fh_tile_put cannot have written: codes with bits behind the last element, or with a scale or a sum of
 * squares that are not theirs. Plain numbers may be any. */
FH_API bool fh_tile_is_put(fh_tile_view tiles, size_t row);
/* out[q · rows + row] for every vector of the tiles and each of the queries.count / dim queries. FH_UNSUPPORTED for an
 * instruction set that is not there, or a code type; FH_INVALID for queries or results of another size. */
FH_FALLIBLE fh_score(fh_isa isa, fh_tile_view tiles, fh_score_kind kind, fh_f32s queries, fh_f32s out);

/* The words of a vector in a code type; 0 for another type. `dim` is 1 to FH_TILE_DIM_MAX. */
FH_API size_t fh_codes_words(fh_vector_type t, size_t dim);
/* Writes the codes of a vector of finite elements, fh_codes_words of them; another type or size ends the program. */
FH_API void fh_codes_put(fh_vector_type t, fh_f32s vector, fh_u32s codes);
/* What codes stand for. */
FH_API void fh_codes_get(fh_vector_type t, fh_u32s codes, fh_f32s vector);
/* fh_score for tiles of a code type, and queries in the same type: fh_codes_words each, one behind the other. */
FH_FALLIBLE fh_score_codes(fh_isa isa, fh_tile_view tiles, fh_score_kind kind, fh_u32s queries, fh_f32s out);

/* out[i] = the score of row which[i] of a matrix of float32 rows of `dim` elements, little-endian, at any alignment. Sums run
 * in 16 lanes and end in a tree, so they differ from those of fh_score in the last bits; they are the same on every instruction
 * set. FH_UNSUPPORTED for an instruction set that is not there; FH_INVALID for a query, rows or results of another size, or a
 * row outside. */
FH_FALLIBLE fh_score_rows(fh_isa isa, fh_span rows, size_t dim, fh_score_kind kind, fh_f32s query, fh_u32s which, fh_f32s out);

FH_EXTERN_END
#endif
