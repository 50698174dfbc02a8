/* tensor.h: element types, shapes, and tensors as checked descriptions of device memory.
 *
 *     uint64_t bytes;
 *     if (!fh_dtype_bytes(FH_DTYPE_Q4_0, cols, rows, &bytes)) ...       overflow, or cols not a multiple of the block
 *
 * Dimension order is that of GGUF: `cols` is innermost (a row's length), then `rows`, then `planes` (experts). Block types
 * are those of ggml (ggml-common.h): Q8_0 = f16 scale + 32 × int8; Q4_0 = f16 scale + 16 bytes, the low nibbles are
 * elements 0–15, the high nibbles 16–31, value = (nibble − 8) × scale.
 *
 * Threading: values and pure functions. */
#ifndef FREEHOLD_TENSOR_H
#define FREEHOLD_TENSOR_H

#include "freehold/span.h"

FH_EXTERN_BEGIN

/* name, GGUF type id, elements in a block, bytes in a block */
#define FH_DTYPES(X)     \
    X(F32, 0, 1, 4)      \
    X(F16, 1, 1, 2)      \
    X(BF16, 30, 1, 2)    \
    X(Q8_0, 8, 32, 34)   \
    X(Q4_0, 2, 32, 18)

/* The types of FH_DTYPES as numbers. */
#define FH_DTYPE_ENUM(name, id, elements, bytes) FH_DTYPE_##name,
typedef enum fh_dtype { FH_DTYPES(FH_DTYPE_ENUM) FH_DTYPE_COUNT } fh_dtype;
#undef FH_DTYPE_ENUM

/* "F32", "Q8_0" … */
FH_API fh_static const char *fh_dtype_name(fh_dtype t);
/* Elements in a block, 1 for plain types. */
FH_API uint32_t fh_dtype_block(fh_dtype t);
/* Bytes of `rows` rows of `cols` elements; false on overflow or when cols is not a multiple of the block. */
FH_MUST_USE FH_API bool fh_dtype_bytes(fh_dtype t, uint64_t cols, uint64_t rows, fh_out uint64_t *out);
/* The type with a GGUF type id; false (and an untouched *out) for one that Freehold does not compute with. */
FH_MUST_USE FH_API bool fh_dtype_of_gguf(uint32_t id, fh_out fh_dtype *out);
/* The name of any GGUF type id, such as "Q5_K", or NULL for an unknown one: so that refusals can name it. */
FH_API fh_static fh_or_null const char *fh_gguf_type_name(uint32_t id);

/* A handle to device memory, generation-checked; 0 is none. */
typedef struct fh_mem {
    uint64_t value;
} fh_mem;
FH_SPAN_DEFINE(mem, fh_mem);

/* `rows` rows of `cols` float32, contiguous, from `offset_bytes` of a device allocation. Activations are float32 always. */
typedef struct fh_tensor {
    fh_mem mem;
    uint64_t offset_bytes;
    uint64_t cols, rows;
} fh_tensor;

FH_EXTERN_END
#endif
