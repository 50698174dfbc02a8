/* bytes.h: immutable, counted bytes that can be sliced without copying.
 *
 *     fh_bytes whole, part;
 *     FH_TRY(fh_bytes_wrap(a, span, release, ctx, &whole));     for example a mapped file
 *     FH_TRY(fh_bytes_slice(whole, 16, 32, &part));             shares the owner, counts one more
 *     fh_bytes_drop(&part);  fh_bytes_drop(&whole);             the last drop calls release
 *
 * Invariants: the bytes never change while a reference lives; count ≥ 1 while one lives; release runs exactly once.
 * Threading: the count is atomic; a single fh_bytes value belongs to one thread at a time. */
#ifndef FREEHOLD_BYTES_H
#define FREEHOLD_BYTES_H

#include "freehold/alloc.h"

FH_EXTERN_BEGIN

/* Who keeps the bytes alive: counted. */
typedef struct fh_bytes_owner fh_bytes_owner;

/* One counted reference to a range; {NULL, …} is empty. Copying the struct does not count: use fh_bytes_share. */
typedef struct fh_bytes {
    fh_bytes_owner *owner;
    fh_span span;
} fh_bytes;

/* A copy of bytes on allocator a. */
FH_FALLIBLE fh_bytes_copy(fh_ref fh_allocator *a, fh_span bytes, fh_owned fh_bytes *out);
/* Bytes that somebody else holds; `release(ctx)` runs at the last drop. On failure it does not run. */
FH_FALLIBLE fh_bytes_wrap(fh_ref fh_allocator *a, fh_span bytes, void (*release)(void *ctx), void *ctx, fh_owned fh_bytes *out);
/* One more reference to the same range. */
FH_API fh_owned fh_bytes fh_bytes_share(fh_bytes b);
/* One more reference to a part; FH_INVALID when it is not inside. */
FH_FALLIBLE fh_bytes_slice(fh_bytes b, size_t from, size_t count, fh_owned fh_bytes *out);
/* One fewer; *b becomes empty. */
FH_API void fh_bytes_drop(fh_drop fh_bytes *b);

FH_EXTERN_END
#endif
