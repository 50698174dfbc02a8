/* panel.c: the layouts of kern.h: GGUF blocks to panels and back, rows of weights as float32, typed views of bytes.
 *
 * Nothing here is hot: panels are made once when a model is loaded. Invariant kern-extents: a caller passes whole rows,
 * panels and views whose sizes it has proved.
 *
 * Threading: pure functions. */
#include <string.h>

#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "tensor/kern/kern.h"

static uint16_t load_u16(const uint8_t *at) {
    return (uint16_t)(at[0] | at[1] << 8);
}

/* The one NaN for any that an exact widening or a product may give. */
static float canonical(float x) {
    return x != x ? fh_f32_of_bits(0x7fc00000u) : x;
}

size_t fh_kern_record_bytes(fh_dtype t) {
    FH_ASSERT(t == FH_DTYPE_Q8_0 || t == FH_DTYPE_Q4_0);
    return t == FH_DTYPE_Q8_0 ? KERN_Q8_RECORD : KERN_Q4_RECORD;
}

/* A scale as panels hold it: infinities become NaN. */
static uint16_t panel_scale(uint16_t scale) {
    return (scale & 0x7c00u) == 0x7c00u ? 0x7e00u : scale;
}

/* 32 weights of one row into column `row` of a Q8_0 record. */
static void put_q8(const uint8_t *block, unsigned row, uint8_t *record) {
    uint16_t scale = panel_scale(load_u16(block));
    memcpy(record + 2 * row, &scale, sizeof scale);
    uint8_t *codes = record + 2 * KERN_ROWS + 4 * row;
    for (unsigned c = 0; c < KERN_BLOCK; c++)
        codes[c / 4 * (4 * KERN_ROWS) + c % 4] = block[2 + c] ^ 0x80u;
}

static void put_q4(const uint8_t *block, unsigned row, uint8_t *record) {
    uint16_t scale = panel_scale(load_u16(block));
    memcpy(record + 2 * row, &scale, sizeof scale);
    for (unsigned g = 0; g < 4; g++)
        memcpy(record + 2 * KERN_ROWS + g * (4 * KERN_ROWS) + 4 * row, block + 2 + 4 * g, 4);
}

void fh_kern_panel(fh_dtype t, const uint8_t *matrix, size_t cols, size_t rows, size_t first, uint8_t *panel) {
    size_t blocks = cols / KERN_BLOCK, record = fh_kern_record_bytes(t);
    size_t block_bytes = t == FH_DTYPE_Q8_0 ? 34 : 18;
    static const uint8_t zero_q8[34] = {0};
    static const uint8_t zero_q4[18] = {0,    0,    0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88,
                                        0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88};
    for (size_t b = 0; b < blocks; b++)
        for (unsigned r = 0; r < KERN_ROWS; r++) {
            const uint8_t *block = first + r < rows ? matrix + ((first + r) * blocks + b) * block_bytes : NULL;
            if (t == FH_DTYPE_Q8_0)
                put_q8(block != NULL ? block : zero_q8, r, panel + b * record);
            else
                put_q4(block != NULL ? block : zero_q4, r, panel + b * record);
        }
}

/* Weight `column` of `row` in a panel record, without its scale. */
static int record_weight(fh_dtype t, const uint8_t *record, unsigned row, unsigned column) {
    const uint8_t *codes = record + 2 * KERN_ROWS + 4 * row;
    if (t == FH_DTYPE_Q8_0)
        return codes[column / 4 * (4 * KERN_ROWS) + column % 4] - 128;
    unsigned byte = codes[column % 16 / 4 * (4 * KERN_ROWS) + column % 4];
    return (int)(column < 16 ? byte & 15u : byte >> 4) - 8;
}

void fh_kern_panel_row(fh_dtype t, const uint8_t *panel, size_t cols, unsigned row, float *y) {
    for (size_t b = 0; b < cols / KERN_BLOCK; b++) {
        const uint8_t *record = panel + b * fh_kern_record_bytes(t);
        float scale = fh_f32_of_f16(load_u16(record + 2 * row));
        for (unsigned c = 0; c < KERN_BLOCK; c++)
            y[b * KERN_BLOCK + c] = canonical((float)record_weight(t, record, row, c) * scale);
    }
}

static void widen_q8(const uint8_t *row, size_t cols, float *y) {
    for (size_t b = 0; b < cols / KERN_BLOCK; b++, row += 34) {
        float scale = fh_f32_of_f16(panel_scale(load_u16(row)));
        for (unsigned c = 0; c < KERN_BLOCK; c++)
            y[b * KERN_BLOCK + c] = canonical((float)(int8_t)row[2 + c] * scale);
    }
}

static void widen_q4(const uint8_t *row, size_t cols, float *y) {
    for (size_t b = 0; b < cols / KERN_BLOCK; b++, row += 18) {
        float scale = fh_f32_of_f16(panel_scale(load_u16(row)));
        for (unsigned c = 0; c < 16; c++) {
            y[b * KERN_BLOCK + c] = canonical((float)((row[2 + c] & 15) - 8) * scale);
            y[b * KERN_BLOCK + 16 + c] = canonical((float)((row[2 + c] >> 4) - 8) * scale);
        }
    }
}

void fh_kern_widen(fh_dtype t, const uint8_t *row, size_t cols, float *y) {
    switch (t) {
    case FH_DTYPE_F32:
        memcpy(y, row, cols * sizeof *y);
        for (size_t i = 0; i < cols; i++)
            y[i] = canonical(y[i]);
        break;
    case FH_DTYPE_F16:
        for (size_t i = 0; i < cols; i++)
            y[i] = canonical(fh_f32_of_f16(load_u16(row + 2 * i)));
        break;
    case FH_DTYPE_BF16:
        for (size_t i = 0; i < cols; i++)
            y[i] = canonical(fh_f32_of_bf16(load_u16(row + 2 * i)));
        break;
    case FH_DTYPE_Q8_0: widen_q8(row, cols, y); break;
    case FH_DTYPE_Q4_0: widen_q4(row, cols, y); break;
    case FH_DTYPE_COUNT: FH_ASSERT(t != FH_DTYPE_COUNT); break;
    }
}

void fh_kern_scatter(const uint16_t *from, size_t head_dim, uint16_t *k) {
    for (size_t d = 0; d < head_dim; d++)
        k[d * FH_KV_BLOCK] = from[d];
}

/* --- typed views ------------------------------------------------------------------------------------------------ */

static bool aligned(const void *at, size_t to) {
    return (uintptr_t)at % to == 0;
}

fh_f32s fh_kern_f32s(fh_mspan bytes) {
    FH_ASSERT(aligned(bytes.at, sizeof(float)) && bytes.size % sizeof(float) == 0);
    FH_UNSAFE("kern-extents");
    return (fh_f32s){(float *)(void *)bytes.at, bytes.size / sizeof(float)};
}

fh_u32s fh_kern_u32s(fh_mspan bytes) {
    FH_ASSERT(aligned(bytes.at, sizeof(uint32_t)) && bytes.size % sizeof(uint32_t) == 0);
    FH_UNSAFE("kern-extents");
    return (fh_u32s){(uint32_t *)(void *)bytes.at, bytes.size / sizeof(uint32_t)};
}

fh_kern_u16s fh_kern_halves(fh_mspan bytes) {
    FH_ASSERT(aligned(bytes.at, sizeof(uint16_t)) && bytes.size % sizeof(uint16_t) == 0);
    FH_UNSAFE("kern-extents");
    return (fh_kern_u16s){(uint16_t *)(void *)bytes.at, bytes.size / sizeof(uint16_t)};
}

fh_kern_querys fh_kern_queries(fh_mspan bytes) {
    FH_ASSERT(aligned(bytes.at, _Alignof(struct kern_query)) && bytes.size % sizeof(struct kern_query) == 0);
    FH_UNSAFE("kern-extents");
    return (fh_kern_querys){(struct kern_query *)(void *)bytes.at, bytes.size / sizeof(struct kern_query)};
}

double fh_kern_f64_at(fh_span bytes, size_t i) {
    double x = 0;
    fh_span part = fh_span_sub(bytes, i * sizeof x, sizeof x);
    memcpy(&x, part.at, sizeof x);
    return x;
}
