/* gguf.h: reading and writing GGUF files, versions 2 and 3 (github.com/ggml-org/ggml, docs/gguf.md).
 *
 *     fh_gguf *g;
 *     FH_TRY(fh_gguf_open(a, bytes, &g, err));         bytes: for example a mapped file
 *     uint64_t layers;
 *     FH_TRY(fh_gguf_u64(g, "llama.block_count", &layers, err));
 *
 * Opening walks the header once: every count, length, offset and product is checked against the bytes that are there before
 * it is used, and memory is bounded by a constant times the header's size. Keys, names and tensor extents are then known to
 * lie in the file, not to overlap, and to be aligned. No recursion (nested arrays are refused). Threading: immutable after
 * open. */
#ifndef FREEHOLD_GGUF_H
#define FREEHOLD_GGUF_H

#include "freehold/bytes.h"
#include "freehold/tensor.h"

FH_EXTERN_BEGIN

/* Limits; each is far above any published model. */
enum {
    FH_GGUF_DIMS_MAX = 4,
    FH_GGUF_NAME_MAX = 64 * 1024, /* bytes of a key or tensor name */
    FH_GGUF_KEYS_MAX = 1 << 20,
    FH_GGUF_TENSORS_MAX = 1 << 20
};

/* Value types, numbered as in the file. */
typedef enum fh_gguf_type {
    FH_GGUF_U8, FH_GGUF_I8, FH_GGUF_U16, FH_GGUF_I16, FH_GGUF_U32, FH_GGUF_I32, FH_GGUF_F32, FH_GGUF_BOOL, FH_GGUF_STRING,
    FH_GGUF_ARRAY, FH_GGUF_U64, FH_GGUF_I64, FH_GGUF_F64, FH_GGUF_TYPE_COUNT
} fh_gguf_type;
/* "u32", "string" … */
FH_API fh_static const char *fh_gguf_value_name(fh_gguf_type t);

/* A key and where its value lies. */
typedef struct fh_gguf_key {
    fh_span name;
    fh_gguf_type type, item; /* item: element type of an array */
    uint64_t count;          /* elements of an array, else 1 */
    uint64_t offset_bytes;   /* of the value (of an array: its first element) in the file */
} fh_gguf_key;

/* A tensor. dim[0] is innermost; dims beyond `dims` are 1. */
typedef struct fh_gguf_tensor {
    fh_span name;
    uint32_t type_id; /* as in the file */
    fh_dtype dtype;   /* valid only if known */
    bool known;       /* Freehold computes with this type */
    uint32_t dims;
    uint64_t dim[FH_GGUF_DIMS_MAX];
    uint64_t offset_bytes; /* in the file */
    uint64_t size_bytes;   /* 0 for a type whose size Freehold does not know */
    uint64_t info_bytes;   /* offset of its description in the file, for messages */
} fh_gguf_tensor;

/* An opened file. */
typedef struct fh_gguf fh_gguf;

/* Shares `bytes`. FH_CORRUPT, FH_LIMIT, FH_UNSUPPORTED (version) name the offset, what was found and what was expected. */
FH_FALLIBLE fh_gguf_open(fh_ref fh_allocator *a, fh_bytes bytes, fh_owned fh_view(1) fh_gguf **out, fh_mut fh_err *err);
/* NULL is allowed. */
FH_API void fh_gguf_close(fh_drop fh_gguf *g);

/* What the header says. */
FH_API uint32_t fh_gguf_version(fh_ref const fh_gguf *g);
FH_API uint64_t fh_gguf_size(fh_ref const fh_gguf *g);      /* file size in bytes */
FH_API uint64_t fh_gguf_data_at(fh_ref const fh_gguf *g);   /* offset of the tensor data */
FH_API uint64_t fh_gguf_alignment(fh_ref const fh_gguf *g); /* of tensors, bytes */

/* Keys, in file order. An index outside is a programmer's error. */
FH_API size_t fh_gguf_key_count(fh_ref const fh_gguf *g);
FH_API fh_gguf_key fh_gguf_key_at(fh_ref const fh_gguf *g, size_t i) fh_view(1);
/* The key with a name; false when there is none. */
FH_MUST_USE FH_API bool fh_gguf_find(fh_ref const fh_gguf *g, fh_ref const char *name, fh_out fh_view(1) fh_gguf_key *out);

/* Typed access by name. FH_NOT_FOUND for a missing key (message: which key); FH_CORRUPT for another type or a value out of
 * range. u64 takes every integer type that is not negative; f64 takes f32, f64 and integers. */
FH_FALLIBLE fh_gguf_u64(fh_ref const fh_gguf *g, fh_ref const char *name, fh_out uint64_t *out, fh_mut fh_err *err);
FH_FALLIBLE fh_gguf_f64(fh_ref const fh_gguf *g, fh_ref const char *name, fh_out double *out, fh_mut fh_err *err);
FH_FALLIBLE fh_gguf_bool(fh_ref const fh_gguf *g, fh_ref const char *name, fh_out bool *out, fh_mut fh_err *err);
/* Valid until: close. */
FH_FALLIBLE fh_gguf_text(fh_ref const fh_gguf *g, fh_ref const char *name, fh_out fh_view(1) fh_span *out, fh_mut fh_err *err);
/* Scalar values for printing: element i of a key's value. */
FH_FALLIBLE fh_gguf_item_u64(fh_ref const fh_gguf *g, fh_gguf_key key, uint64_t i, fh_out uint64_t *out, fh_mut fh_err *err);
FH_FALLIBLE fh_gguf_item_i64(fh_ref const fh_gguf *g, fh_gguf_key key, uint64_t i, fh_out int64_t *out, fh_mut fh_err *err);
FH_FALLIBLE fh_gguf_item_f64(fh_ref const fh_gguf *g, fh_gguf_key key, uint64_t i, fh_out double *out, fh_mut fh_err *err);
/* All strings of a string array, as spans into the file. out is owned by the caller (fh_views_free). */
FH_FALLIBLE fh_gguf_texts(fh_ref const fh_gguf *g, fh_gguf_key key, fh_ref fh_allocator *a, fh_owned fh_views *out,
                          fh_mut fh_err *err);

/* Tensors, in file order. */
FH_API size_t fh_gguf_tensor_count(fh_ref const fh_gguf *g);
FH_API fh_gguf_tensor fh_gguf_tensor_at(fh_ref const fh_gguf *g, size_t i) fh_view(1);
FH_MUST_USE FH_API bool fh_gguf_tensor_find(fh_ref const fh_gguf *g, fh_span name, fh_out fh_view(1) fh_gguf_tensor *out);
/* A tensor's bytes, sharing the file's owner. */
FH_FALLIBLE fh_gguf_tensor_bytes(fh_ref const fh_gguf *g, fh_gguf_tensor t, fh_owned fh_bytes *out);

/* --- writing ---------------------------------------------------------------------------------------------------------- */

/* A writer of version 3 files. Add keys and tensors, then fh_gguf_writer_header writes everything up to the tensor data;
 * the caller then puts each tensor's bytes through fh_gguf_writer_data in the order of adding (padding is done here). */
typedef struct fh_gguf_writer fh_gguf_writer;
FH_FALLIBLE fh_gguf_writer_new(fh_ref fh_allocator *a, fh_owned fh_view(1) fh_gguf_writer **out);
FH_API void fh_gguf_writer_free(fh_drop fh_gguf_writer *w);
FH_FALLIBLE fh_gguf_put_u32(fh_mut fh_gguf_writer *w, fh_ref const char *key, uint32_t v);
FH_FALLIBLE fh_gguf_put_f32(fh_mut fh_gguf_writer *w, fh_ref const char *key, float v);
FH_FALLIBLE fh_gguf_put_bool(fh_mut fh_gguf_writer *w, fh_ref const char *key, bool v);
FH_FALLIBLE fh_gguf_put_text(fh_mut fh_gguf_writer *w, fh_ref const char *key, fh_span v);
FH_FALLIBLE fh_gguf_put_texts(fh_mut fh_gguf_writer *w, fh_ref const char *key, fh_views v);
FH_FALLIBLE fh_gguf_put_f32s(fh_mut fh_gguf_writer *w, fh_ref const char *key, fh_f32s v);
FH_FALLIBLE fh_gguf_put_i32s(fh_mut fh_gguf_writer *w, fh_ref const char *key, fh_i32s v);
FH_FALLIBLE fh_gguf_put_tensor(fh_mut fh_gguf_writer *w, fh_ref const char *name, fh_dtype dtype, uint32_t dims,
                               fh_ref const uint64_t dim[FH_GGUF_DIMS_MAX]);
FH_FALLIBLE fh_gguf_writer_header(fh_mut fh_gguf_writer *w, fh_sink sink, fh_mut fh_err *err);
/* The next bytes of the tensor data; a tensor may come in any number of pieces. */
FH_FALLIBLE fh_gguf_writer_data(fh_mut fh_gguf_writer *w, fh_span bytes, fh_sink sink, fh_mut fh_err *err);
/* FH_INVALID unless the header and all tensors' bytes have been put: call it before the file counts as written. */
FH_FALLIBLE fh_gguf_writer_finish(fh_ref const fh_gguf_writer *w, fh_mut fh_err *err);

FH_EXTERN_END
#endif
