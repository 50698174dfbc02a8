/* gguf_bytes.h: for tests: GGUF files put together byte by byte, so that any of them can be wrong.
 *
 *     fh_buf b;
 *     fh_buf_init(&b, a, 0);
 *     raw_start(&b, 3, tensors, keys);
 *     raw_key(&b, "general.alignment", FH_GGUF_U32);
 *     raw_int(&b, 64, 4);
 *
 * Every function fails the test when there is no memory. Threading: one thread at a time. */
#ifndef FH_TEST_GGUF_BYTES_H
#define FH_TEST_GGUF_BYTES_H

#include "freehold/buf.h"
#include "freehold/gguf.h"
#include "support/fh_test.h"

/* A little-endian number of 1, 2, 4 or 8 bytes. */
static inline void raw_int(fh_buf *b, uint64_t v, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        fh_assert_ok(fh_buf_put_u8(b, (uint8_t)(v >> (8 * i))));
}

static inline void raw_span(fh_buf *b, fh_span text) {
    raw_int(b, text.size, 8);
    fh_assert_ok(fh_buf_put(b, text));
}

static inline void raw_text(fh_buf *b, const char *text) {
    raw_span(b, fh_span_of_str(text));
}

static inline void raw_start(fh_buf *b, uint32_t version, uint64_t tensors, uint64_t keys) {
    fh_assert_ok(fh_buf_put(b, FH_LIT("GGUF")));
    raw_int(b, version, 4);
    raw_int(b, tensors, 8);
    raw_int(b, keys, 8);
}

/* A key's name and type; the value follows. */
static inline void raw_key(fh_buf *b, const char *name, uint32_t type) {
    raw_text(b, name);
    raw_int(b, type, 4);
}

/* The same for an array: its element type and count too. */
static inline void raw_array(fh_buf *b, const char *name, uint32_t item, uint64_t count) {
    raw_key(b, name, FH_GGUF_ARRAY);
    raw_int(b, item, 4);
    raw_int(b, count, 8);
}

static inline void raw_tensor(fh_buf *b, const char *name, uint32_t dims, const uint64_t *dim, uint32_t type, uint64_t offset) {
    raw_text(b, name);
    raw_int(b, dims, 4);
    for (uint32_t i = 0; i < dims; i++)
        raw_int(b, dim[i], 8);
    raw_int(b, type, 4);
    raw_int(b, offset, 8);
}

static inline void raw_fill(fh_buf *b, uint8_t byte, size_t count) {
    for (size_t i = 0; i < count; i++)
        fh_assert_ok(fh_buf_put_u8(b, byte));
}

/* Zeros up to a multiple of `alignment`. */
static inline void raw_pad(fh_buf *b, size_t alignment) {
    raw_fill(b, 0, (alignment - fh_buf_view(b).size % alignment) % alignment);
}

/* Opens a copy of bytes that has exactly their size, so that a sanitizer sees a read past the end. */
static inline fh_status raw_open(fh_allocator *a, fh_span bytes, fh_gguf **out, fh_err *err) {
    fh_bytes copy;
    *out = NULL;
    FH_TRY(fh_bytes_copy(a, bytes, &copy));
    fh_status status = fh_gguf_open(a, copy, out, err);
    fh_bytes_drop(&copy);
    return status;
}

/* A sink that collects in an fh_buf. */
static inline fh_status raw_put(void *ctx, fh_span bytes, fh_err *err) {
    (void)err;
    return fh_buf_put(ctx, bytes);
}
static inline fh_sink raw_sink(fh_buf *b) {
    return (fh_sink){b, raw_put};
}

#endif
