/* buf.h: a byte buffer that grows up to a stated limit.
 *
 *     fh_buf b;
 *     fh_buf_init(&b, a, 1 << 20);
 *     FH_TRY(fh_buf_put(&b, FH_LIT("id=")));  FH_TRY(fh_buf_format(&b, "%u", id));
 *     fh_span text = fh_buf_view(&b);                     valid until the next put
 *     fh_buf_deinit(&b);
 *
 * Invariants: size ≤ capacity ≤ limit; bytes past size are never readable.
 * Threading: one thread at a time. */
#ifndef FREEHOLD_BUF_H
#define FREEHOLD_BUF_H

#include "freehold/alloc.h"

FH_EXTERN_BEGIN

/* The buffer: its bytes so far, and the room behind them. */
typedef struct fh_buf {
    fh_ref fh_allocator *allocator;
    uint8_t *at;
    size_t size, capacity, limit;
} fh_buf;

/* An empty buffer of at most limit_bytes (0 = no limit). Allocates nothing. */
FH_API void fh_buf_init(fh_owned fh_view(2) fh_buf *b, fh_ref fh_allocator *a, size_t limit_bytes);
/* Ends it; an already ended or zeroed buffer is allowed. */
FH_API void fh_buf_deinit(fh_drop fh_buf *b);
/* Makes room for `more` bytes beyond size. FH_LIMIT or FH_NOMEM; the content stays as it is. */
FH_FALLIBLE fh_buf_reserve(fh_mut fh_buf *b, size_t more);
/* Appends. On failure nothing is appended. */
FH_FALLIBLE fh_buf_put(fh_mut fh_buf *b, fh_span bytes);
/* Appends one byte. */
FH_FALLIBLE fh_buf_put_u8(fh_mut fh_buf *b, uint8_t byte);
/* Appends formatted text, without a NUL. */
FH_FALLIBLE fh_buf_format(fh_mut fh_buf *b, const char *format, ...) FH_PRINTF(2, 3);
/* Drops all bytes from `size_bytes` on; larger than the size is a programmer's error. */
FH_API void fh_buf_truncate(fh_mut fh_buf *b, size_t size_bytes);
/* Drops the first `count` bytes, moving the rest down. */
FH_API void fh_buf_consume(fh_mut fh_buf *b, size_t count);
/* The content. Valid until: the next put, truncate, consume or deinit. */
FH_API fh_span fh_buf_view(fh_ref const fh_buf *b) fh_view(1);

FH_EXTERN_END
#endif
