/* kern.h: the kernels of the CPU device, as one table per instruction set, and the layouts they share.
 *
 * scalar.c is the specification: every other table gives the same bits for the same arguments. A kernel trusts its
 * arguments; the callers in src/tensor prove extents and shapes once per operation and cut spans, so that a kernel runs
 * over whole rows without checks (docs/UNSAFE.md: kern-extents).
 *
 * Every result that is not a number is stored as the one NaN 0x7fc00000 (float16: 0x7e00): which NaN an operation returns
 * differs between processors and compilers.
 *
 * Layout of block weights, a *panel*: KERN_ROWS rows × all columns, a record for each 32 columns:
 *     KERN_ROWS float16 scales; then
 *     Q8_0: 8 × KERN_ROWS × 4 codes, [column / 4][row][column mod 4], code = weight + 128;
 *     Q4_0: 4 × KERN_ROWS × 4 bytes, [g][row][c], low nibble = column 4g + c, high nibble = column 16 + 4g + c.
 * Rows past the matrix's last are zeros of scale 0. A scale that is not finite is stored as NaN.
 *
 * Layout of quantised activations, a *group*: up to KERN_TOKENS rows (tokens) × all columns, a record for each 32 columns:
 *     KERN_TOKENS × 32 int8 codes; KERN_TOKENS biases (int32); KERN_TOKENS scales (float32); filler up to KERN_RECORD bytes.
 * bias = bits of 1.5·2^23 − 128·Σcodes: an accumulator that starts there and adds code·(weight + 128) for 32 columns ends
 * as the bits of the float32 1.5·2^23 + Σ code·weight (|Σ| ≤ 2^19), so that no conversion from integer is needed.
 *
 * Threading: pure functions. */
#ifndef FREEHOLD_TENSOR_KERN_H
#define FREEHOLD_TENSOR_KERN_H

#include "freehold/device.h"

enum {
    KERN_ROWS = 32,                              /* rows of a panel */
    KERN_TOKENS = 6,                             /* tokens of a tile */
    KERN_BLOCK = 32,                             /* columns of a record */
    KERN_TILE_ROWS = 16,                         /* vectors of a tile */
    KERN_CODE_HEAD = 2,                          /* words before the codes of a vector (kern_codes) */
    KERN_RECORD = 256,                           /* bytes of an activation record */
    KERN_RECORD_BIAS = KERN_TOKENS * KERN_BLOCK, /* where the biases lie */
    KERN_RECORD_SCALE = KERN_RECORD_BIAS + 4 * KERN_TOKENS,
    KERN_Q8_RECORD = 2 * KERN_ROWS + 32 * KERN_ROWS, /* bytes of a panel record */
    KERN_Q4_RECORD = 2 * KERN_ROWS + 16 * KERN_ROWS,
};
#define KERN_MAGIC 12582912.0f     /* 1.5 · 2^23 */
#define KERN_MAGIC_BITS 0x4b400000 /* its bits */

/* What a block product asks the memory for meanwhile: cache lines [from, to) of each record, the first of which is at
 * `at`. Only a hint: the address need not be readable. */
struct kern_ahead {
    uintptr_t at;
    unsigned record_bytes, from, to;
};

/* The address `bytes` behind the start of a panel, which may be past its end: nobody reads there. */
static inline uintptr_t fh_kern_ahead_at(fh_span panel, size_t bytes) {
    return (uintptr_t)panel.at + bytes;
}

/* A product of up to KERN_TOKENS tokens with up to KERN_ROWS rows of weights: y[t · y_stride + r] (=, or += with `add`). */
struct kern_tile {
    fh_dtype dtype;
    const uint8_t *w; /* block types: a panel; plain types: rows of cols elements, at any alignment */
    size_t cols;      /* block types: a multiple of 32 */
    unsigned rows, tokens;
    const uint8_t *records; /* block types: the group */
    struct kern_ahead ahead;
    const float *x; /* plain types: x[t · x_stride + column] */
    size_t x_stride;
    float *y;
    size_t y_stride;
    bool add;
};

/* A query's share of attention: one head of one row. `out` is the unnormalised output, KERN_LANES-padded head_dim floats. */
struct kern_query {
    const float *q;
    float *out;
    float max, sum; /* start: −inf, 0, and out = 0 */
    unsigned count; /* positions of the block that the query sees, 1 … FH_KV_BLOCK */
};

/* One KV block against up to KERN_TOKENS queries of the same kv head. k: head_dim × 64, v: 64 × head_dim float16. */
struct kern_attend {
    const uint16_t *k, *v;
    size_t head_dim;
    float scale;
    unsigned queries;
    struct kern_query *query[KERN_TOKENS];
};

/* Queries against whole tiles of KERN_TILE_ROWS vectors of plain elements: element `c` of vector `r` of a tile is element
 * c · KERN_TILE_ROWS + r of it. y[q · y_stride + tile · KERN_TILE_ROWS + r] = Σ_c x·v, or Σ_c (x − v)² with `differs`: fused,
 * from 0, c ascending, so that each vector has a lane of its own and no sum is ever split. */
struct kern_score {
    fh_dtype dtype; /* F32, F16, BF16 */
    bool differs;
    const uint8_t *tiles; /* at any alignment */
    size_t cols, count;   /* elements of a vector; tiles */
    const float *x;       /* x[q · cols + c] */
    size_t queries;
    float *y;
    size_t y_stride;
};

/* The same for codes (score.h): word w of vector r of a tile is word w · KERN_TILE_ROWS + r of it, a query has as many words,
 * x[q · words + w]. `bits`: B1; else I8, whose first two words are the scale and the sum of squares. With n = Σ code · code and
 * the scales, the sum is n · scale of the vector · scale of the query; the squared distance is (the query's squares +
 * the vector's) − 2 · that, and 0 where rounding makes it less. With h bits that differ of `cols`: cols − 2h, and 4h. */
struct kern_codes {
    bool bits, differs;
    const uint8_t *tiles; /* at any alignment */
    size_t cols, words, count; /* elements, and words, of a vector; tiles */
    const uint32_t *x;
    size_t queries;
    float *y;
    size_t y_stride;
};

/* One query against some rows of float32: y[i] = Σ_c x·v, or Σ_c (x − v)² with `differs`, v = element which[i] · cols + c of
 * rows: fused, in 16 lanes from 0, then the tree. */
struct kern_rows {
    bool differs;
    const uint8_t *rows; /* at any alignment */
    const float *x;
    size_t cols;
    const uint32_t *which;
    size_t count;
    float *y;
};

struct kern {
    fh_isa isa;
    /* y = x · (1 / sqrt(mean(x²) + eps)) · w. w: float32 at any alignment; y may be x. */
    void (*norm)(const float *x, const uint8_t *w, size_t cols, float eps, float *y);
    /* One row becomes token `slot` of a group; the other slots stay as they are. */
    void (*pack)(const float *x, size_t cols, unsigned slot, uint8_t *group);
    /* The products. */
    void (*block_tile)(const struct kern_tile *t);
    void (*float_tile)(const struct kern_tile *t);
    /* A Q4_0 panel as a Q8_0 one of the same values; NULL where that would not pay. */
    void (*widen)(const uint8_t *q4, size_t cols, uint8_t *q8);
    /* y = silu(gate) · up. y may be gate. */
    void (*glu)(const float *gate, const float *up, size_t count, float *y);
    /* Rotates one head's pairs by cs: rot/2 cosines, then rot/2 sines. */
    void (*rope)(float *x, const float *cs, size_t rot, bool halves);
    /* Float16 of a row, round to nearest even. */
    void (*halve)(const float *x, size_t count, uint16_t *y);
    void (*attend)(const struct kern_attend *a);
    /* y = out / sum. */
    void (*attend_end)(const struct kern_query *q, size_t head_dim, float *y);
    /* y[i] = y[i] + Σ_r w[r] · x[r][i], r ascending, the sum from 0. */
    void (*mix)(const float *const *x, const float *w, size_t ranks, size_t count, float *y);
    void (*score)(const struct kern_score *s);
    void (*score_codes)(const struct kern_codes *s);
    void (*score_rows)(const struct kern_rows *r);
};

/* How far ahead a single pass over a panel asks for memory on this processor. Only speed depends on it. */
size_t fh_kern_ahead_bytes(void);
/* The table of an instruction set, or NULL where the build has none. */
fh_static const struct kern *fh_kern_get(fh_isa isa);
extern const struct kern fh_kern_scalar;
#if defined(__x86_64__)
extern const struct kern fh_kern_avx2, fh_kern_avx512;
#endif

/* --- panel.c: layouts, the same code for every instruction set -------------------------------------------------- */

/* Bytes of one panel record of a block type. */
size_t fh_kern_record_bytes(fh_dtype t);
/* Rows `first` … of a GGUF matrix (rows × cols of block type t, at any alignment) as a panel. */
void fh_kern_panel(fh_dtype t, const uint8_t *matrix, size_t cols, size_t rows, size_t first, fh_mut uint8_t *panel);
/* Row `row` of a panel as float32. */
void fh_kern_panel_row(fh_dtype t, const uint8_t *panel, size_t cols, unsigned row, fh_mut float *y);
/* One row in GGUF layout as float32. */
void fh_kern_widen(fh_dtype t, const uint8_t *row, size_t cols, fh_mut float *y);
/* Stores float16 keys of one position: k[d · 64] for d < head_dim. */
void fh_kern_scatter(const uint16_t *from, size_t head_dim, fh_mut uint16_t *k);

/* --- typed views of bytes; a wrong size or alignment ends the program ------------------------------------------- */

FH_SPAN_DEFINE(kern_u16, uint16_t);
FH_SPAN_DEFINE(kern_query, struct kern_query);
fh_f32s fh_kern_f32s(fh_mspan bytes) fh_view(1);
fh_u32s fh_kern_u32s(fh_mspan bytes) fh_view(1);
fh_kern_u16s fh_kern_halves(fh_mspan bytes) fh_view(1);
fh_kern_querys fh_kern_queries(fh_mspan bytes) fh_view(1);
double fh_kern_f64_at(fh_span bytes, size_t i);

#endif
