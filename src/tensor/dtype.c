/* dtype.c: element types and their sizes.
 *
 * A block type packs `block` elements in `bytes` bytes; a row is whole blocks. The list of GGUF type names is wider than
 * the list of types that Freehold computes with, so that a refusal can say what a file holds.
 *
 * Threading: pure functions. */
#include "freehold/checked.h"
#include "freehold/tensor.h"

struct dtype_row {
    const char *name;
    uint32_t id, elements, bytes;
};

#define DTYPE_ROW(name, id, elements, bytes) {#name, id, elements, bytes},
static const struct dtype_row dtype_rows[FH_DTYPE_COUNT] = {FH_DTYPES(DTYPE_ROW)};

static const struct dtype_row *dtype_row(fh_dtype t) {
    FH_ASSERT((unsigned)t < FH_DTYPE_COUNT);
    return &dtype_rows[t];
}

const char *fh_dtype_name(fh_dtype t) {
    return dtype_row(t)->name;
}

uint32_t fh_dtype_block(fh_dtype t) {
    return dtype_row(t)->elements;
}

bool fh_dtype_bytes(fh_dtype t, uint64_t cols, uint64_t rows, uint64_t *out) {
    const struct dtype_row *row = dtype_row(t);
    uint64_t line = 0;
    *out = 0;
    return cols % row->elements == 0 && fh_mul_u64(cols / row->elements, row->bytes, &line) && fh_mul_u64(line, rows, out);
}

bool fh_dtype_of_gguf(uint32_t id, fh_dtype *out) {
    for (unsigned t = 0; t < FH_DTYPE_COUNT; t++)
        if (dtype_rows[t].id == id) {
            *out = (fh_dtype)t;
            return true;
        }
    return false;
}

/* enum ggml_type of ggml.h; the gaps are types that were removed from the format. */
static const char *const gguf_names[] = {
    "F32",        "F16",        "Q4_0",       "Q4_1",  "Q4_2",     "Q4_3",     "Q5_0",     "Q5_1",    "Q8_0",
    "Q8_1",       "Q2_K",       "Q3_K",       "Q4_K",  "Q5_K",     "Q6_K",     "Q8_K",     "IQ2_XXS", "IQ2_XS",
    "IQ3_XXS",    "IQ1_S",      "IQ4_NL",     "IQ3_S", "IQ2_S",    "IQ4_XS",   "I8",       "I16",     "I32",
    "I64",        "F64",        "IQ1_M",      "BF16",  "Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8", "TQ1_0",   "TQ2_0",
    "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4", "NVFP4",    "Q1_0",     "Q2_0",
};

const char *fh_gguf_type_name(uint32_t id) {
    return id < sizeof gguf_names / sizeof gguf_names[0] ? gguf_names[id] : NULL;
}
