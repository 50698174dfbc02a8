/* bytes.h: immutable, counted bytes that can be sliced without copying.
 *
 *     fh_bytes whole, part;
 *     FH_TRY(fh_bytes_wrap(a, span, release, ctx, &whole));     for example a mapped file
 *     FH_TRY(fh_bytes_slice(whole, 16, 32, &part));             shares the owner, counts one more
 *     fh_bytes_drop(&part);  fh_bytes_drop(&whole);             the last drop calls release
 *
 * The bytes lie in a block of their own (fh_bytes_copy), with somebody else (fh_bytes_wrap), or on a page that a slab was
 * frozen on (page.h).
 *
 * Invariants: the bytes never change while a reference lives; count >= 1 while one lives; release runs exactly once. One owner
 * has at most 2^24 - 1 references; one more, or a drop of what was dropped, ends the program before anything is freed.
 * Threading: the count is atomic, so references to the same bytes may be shared and dropped by any threads; a single fh_bytes
 * value belongs to one thread at a time. */
#ifndef FREEHOLD_BYTES_H
#define FREEHOLD_BYTES_H

#include "freehold/alloc.h"

FH_EXTERN_BEGIN

/* Who keeps the bytes alive: counted. */
typedef struct fh_bytes_owner fh_bytes_owner;

/* One counted reference to a range; read its fields, and change them only through the functions below. {NULL, …} counts
 * nothing: it is empty, or a span that lives as long as the program. Copying the struct does not count: use fh_bytes_share. */
typedef struct fh_bytes {
    fh_bytes_owner *owner;
    fh_span span;
} fh_bytes;

/* Where written bytes go, in order. */
typedef struct fh_sink {
    fh_mut void *ctx;
    fh_status (*put)(void *ctx, fh_span bytes, fh_err *err);
} fh_sink;

/* A copy of bytes on allocator a. FH_NOMEM. */
FH_FALLIBLE fh_bytes_copy(fh_ref fh_allocator *a, fh_span bytes, fh_owned fh_bytes *out);
/* Bytes that somebody else holds and does not change; `release(ctx)` runs at the last drop, on the thread that does it. On
 * failure (FH_NOMEM) it does not run. */
FH_FALLIBLE fh_bytes_wrap(fh_ref fh_allocator *a, fh_span bytes, void (*release)(void *ctx), fh_ref void *ctx,
                          fh_owned fh_view(1, 2, 4) fh_bytes *out);
/* One more reference to the same range. */
FH_API fh_owned fh_bytes fh_bytes_share(fh_bytes b);
/* One more reference to a part; FH_INVALID when it is not inside. An empty part holds nothing. */
FH_FALLIBLE fh_bytes_slice(fh_bytes b, size_t from, size_t count, fh_owned fh_bytes *out);
/* *front = the first `count` bytes, and *b keeps the rest; FH_INVALID when there are fewer. The one that is empty holds
 * nothing. */
FH_FALLIBLE fh_bytes_split_to(fh_mut fh_bytes *b, size_t count, fh_owned fh_bytes *front);
/* *b keeps the first `count` bytes, and *tail = the rest; FH_INVALID when there are fewer. */
FH_FALLIBLE fh_bytes_split_off(fh_mut fh_bytes *b, size_t count, fh_owned fh_bytes *tail);
/* True if both have the same bytes, wherever they lie. */
FH_API bool fh_bytes_equal(fh_bytes a, fh_bytes b);
/* One fewer; *b becomes empty. NULL and empty are allowed. */
FH_API void fh_bytes_drop(fh_drop fh_bytes *b);

FH_EXTERN_END
#endif
