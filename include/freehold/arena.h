/* arena.h: bump allocation in chunks that never move; everything ends at once.
 *
 *     fh_arena *arena;
 *     FH_TRY(fh_arena_new(a, 64 << 10, 0, &arena));
 *     thing *t = fh_arena_alloc(arena, 1, sizeof *t);
 *     fh_mark m = fh_arena_mark(arena);  ...  FH_TRY(fh_arena_reset(arena, m));    back to the mark, last in first out
 *     fh_arena_free(arena);
 *
 * Invariants: chunks never move; an allocation lies whole in one chunk; a mark is honoured only if nothing older was reset
 * past it (each mark carries a generation: a mark used twice or out of order is FH_STALE). Threading: one thread at a
 * time. */
#ifndef FREEHOLD_ARENA_H
#define FREEHOLD_ARENA_H

#include "freehold/alloc.h"

FH_EXTERN_BEGIN

/* An arena. */
typedef struct fh_arena fh_arena;

/* A position to return to. */
typedef struct fh_mark {
    uint64_t depth, generation;
} fh_mark;

/* Chunks have `chunk_bytes` (at least 1 KiB; larger requests get a chunk of their own); limit_bytes bounds their sum, 0 =
 * none. */
FH_FALLIBLE fh_arena_new(fh_ref fh_allocator *a, size_t chunk_bytes, size_t limit_bytes, fh_owned fh_arena **out);
/* Ends the arena and all that was allocated in it; NULL is allowed. */
FH_API void fh_arena_free(fh_drop fh_arena *arena);
/* `count` zeroed elements at 64-byte alignment for sizes from 64, else at 16; NULL on overflow, limit or no memory; count
 * or size 0 gives NULL. Valid until: reset past it, or free. */
FH_API fh_owned_or_null void *fh_arena_alloc(fh_mut fh_arena *arena, size_t count, size_t size_bytes) fh_view(1);
/* A copy of bytes; FH_NOMEM. */
FH_FALLIBLE fh_arena_copy(fh_mut fh_arena *arena, fh_span bytes, fh_out fh_span *out);
/* The present position. Marks nest at most 64 deep; deeper is a programmer's error. */
FH_API fh_mark fh_arena_mark(fh_mut fh_arena *arena);
/* Ends everything since the mark; FH_STALE for a mark that is not the newest. */
FH_FALLIBLE fh_arena_reset(fh_mut fh_arena *arena, fh_mark mark);
/* Bytes handed out. */
FH_API size_t fh_arena_used(fh_ref const fh_arena *arena);

FH_EXTERN_END
#endif
