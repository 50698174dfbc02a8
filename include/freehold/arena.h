/* arena.h: bump allocation in chunks that never move, in scopes that end last in first out.
 *
 *     fh_arena *arena;
 *     fh_scope scope;
 *     FH_TRY(fh_arena_new(a, NULL, &arena));
 *     FH_TRY(fh_arena_push(arena, &scope));
 *     struct thing *t = fh_arena_alloc(arena, 1, sizeof *t);          zeroed; a raw pointer, until the scope is popped
 *     fh_arena_handle h;
 *     FH_TRY(fh_arena_place(arena, 9, sizeof(float), &h));            the same room, as a handle
 *     FH_TRY(fh_arena_get(arena, h, 9 * sizeof(float), &at));         FH_STALE once its scope was popped, in every build
 *     FH_TRY(fh_arena_pop(arena, scope));    or fh_arena_keep(arena, scope, &h): h goes on in the scope around it
 *
 * Whatever is allocated belongs to the innermost open scope; outside all scopes lies a root, which fh_arena_reset ends. Each
 * scope has a number of its own, and a handle carries it: a handle of a popped scope stays stale, however far the arena grows
 * past its place again. A raw pointer carries nothing: it is for work within one scope, where the time of an allocation
 * counts.
 *
 * Memory is zero when it is handed out. Chunks double in size and stay for the next round when a scope is popped;
 * fh_arena_trim frees the empty ones.
 *
 * A hardened arena (an option; always under AddressSanitizer) puts a header before and a canary behind each allocation, and
 * looks at them when the scope ends.
 *
 * Allocations do not move when more is allocated, so allocating borrows the arena shared; only ending some of them changes it.
 *
 * Invariants: chunks never move; an allocation lies whole in one chunk; allocations are disjoint; scopes end in the opposite
 * order of their beginning. Threading: one thread at a time. */
#ifndef FREEHOLD_ARENA_H
#define FREEHOLD_ARENA_H

#include "freehold/alloc.h"
#include "freehold/atomic.h"
#include "freehold/checked.h"

FH_EXTERN_BEGIN

/* An arena. */
typedef struct fh_arena fh_arena;

/* Scopes nest so deep. */
enum { FH_ARENA_SCOPES_MAX = 63 };

/* Zero means the default. */
typedef struct fh_arena_options {
    size_t chunk_bytes; /* of the first chunk, rounded up to a power of two from 1 KiB; each further one is twice as large,
                           or as large as a request needs; 0 = 64 KiB */
    size_t limit_bytes; /* bounds the sum of all chunks; 0 = none */
    /* Called when an allocation carries fh_arena_used past 75 and past 90 percent of the limit, once each time it crosses. It
     * may look at the arena and trim it; everything else is refused. */
    void (*pressure)(void *ctx, fh_ref const fh_arena *arena, unsigned percent);
    void *ctx;
    bool hardened;
    const char *name; /* for reports; lives as long as the arena; NULL = "arena" */
} fh_arena_options;

/* NULL options are all defaults. FH_NOMEM. */
FH_FALLIBLE fh_arena_new(fh_ref fh_allocator *a, fh_ref const fh_arena_options *options, fh_owned fh_view(1) fh_arena **out);
/* Ends the arena and all that was allocated in it; NULL is allowed. */
FH_API void fh_arena_free(fh_drop fh_arena *arena);

/* --- scopes ------------------------------------------------------------------------------------------------------------- */

/* An open scope: a number that no other scope of the arena ever has. {0} is none. */
typedef struct fh_scope {
    uint64_t id;
} fh_scope;

/* A place in a scope: numbers, which only the arena understands. {0} is none. */
typedef struct fh_arena_handle {
    uint64_t scope, at, size_bytes;
} fh_arena_handle;

/* Opens a scope. FH_LIMIT when FH_ARENA_SCOPES_MAX are open; FH_BORROWED inside a pressure callback. */
FH_FALLIBLE fh_arena_push(fh_mut fh_arena *arena, fh_out fh_scope *out);
/* Ends everything since the scope was opened. FH_STALE for a scope that is not the innermost one, FH_BORROWED inside a pressure
 * callback: these change nothing. FH_OVERWRITTEN when a hardened arena finds that the program wrote outside an allocation of
 * this scope: the scope ends all the same. */
FH_FALLIBLE fh_arena_pop(fh_mut fh_arena *arena, fh_scope scope);
/* Pops the scope and keeps what h refers to: its bytes move down into the scope around, and *h becomes a handle of that. A
 * handle of an outer scope is kept as it is. As fh_arena_pop; FH_STALE also for a stale handle. Pointers to what is kept end
 * too. Needs no memory. */
FH_FALLIBLE fh_arena_keep(fh_mut fh_arena *arena, fh_scope scope, fh_mut fh_arena_handle *h);
/* Ends everything, the root's allocations too. FH_BORROWED while a scope is open; FH_OVERWRITTEN as fh_arena_pop. */
FH_FALLIBLE fh_arena_reset(fh_mut fh_arena *arena);
/* Frees the chunks that hold nothing; the number of bytes. */
FH_API size_t fh_arena_trim(fh_mut fh_arena *arena);

/* --- allocation ---------------------------------------------------------------------------------------------------------
 *
 * Allocating only borrows the arena shared (fh_ref): what was allocated before stays where it is. */

/* What fh_arena_alloc touches, the first member of every arena: the free room of the current chunk is [low, top), and is handed
 * out from its top. Whatever needs more than lowering `top` (memory that was never touched, the next level of pressure, a
 * hardened arena) lies below `low`, and so goes out of line: the inlined part asks nothing else. */
typedef struct fh_arena_fast {
    uint8_t *top, *low;
} fh_arena_fast;

/* The rest of fh_arena_alloc. Only that calls it. */
FH_API fh_or_null void *fh_arena_alloc_slow(fh_ref fh_arena *arena, size_t bytes) fh_view(1);

/* `count` zeroed elements at 64-byte alignment for sizes from 64, else at 16; NULL on overflow, limit or no memory; count or
 * size 0 gives NULL. Valid until: the end of the scope it is made in. */
static inline fh_or_null fh_counted(2, 3) void *fh_arena_alloc(fh_ref fh_arena *arena, size_t count, size_t size_bytes)
    fh_view(1) {
    size_t bytes;
    if (FH_UNLIKELY(!fh_mul_size(count, size_bytes, &bytes) || bytes == 0))
        return NULL;
    FH_UNSAFE("arena-chunk");
    fh_arena_fast *fast = (fh_arena_fast *)(void *)arena;
    if (FH_UNLIKELY(bytes > (size_t)(fast->top - fast->low)))
        return fh_arena_alloc_slow(arena, bytes);
    uintptr_t align = bytes >= 64 ? 64 : 16; /* low is a multiple of both, so rounding down stays above it */
    uint8_t *at = (uint8_t *)(((uintptr_t)fast->top - bytes) & -align);
    fh_store(&fast->top, at, FH_RELAXED); /* memory reports read it on other threads */
    return __builtin_memset(at, 0, bytes);
}

/* A copy of bytes; FH_NOMEM. Valid until: the end of the scope it is made in. */
FH_FALLIBLE fh_arena_copy(fh_ref fh_arena *arena, fh_span bytes, fh_out fh_view(1) fh_span *out);
/* fh_arena_alloc, as a handle. FH_INVALID for count or size 0, FH_NOMEM. */
FH_FALLIBLE fh_arena_place(fh_ref fh_arena *arena, size_t count, size_t size_bytes, fh_out fh_arena_handle *out);
/* Where a handle's first `size_bytes` bytes lie. FH_STALE when its scope was popped, FH_INVALID when it has fewer bytes. Valid
 * until: the end of the handle's scope. */
FH_FALLIBLE fh_arena_get(fh_ref fh_arena *arena, fh_arena_handle h, size_t size_bytes, fh_out fh_view(1) void **out);

/* --- numbers ------------------------------------------------------------------------------------------------------------ */

/* Where an arena stands. */
typedef struct fh_arena_stats {
    uint64_t used_bytes, peak_bytes; /* taken from chunks, with what alignment and the ends of left chunks cost; most ever */
    uint64_t committed_bytes, limit_bytes; /* the sum of all chunks; 0 = no limit */
    uint64_t chunks, scopes;              /* now */
    uint64_t stale_uses, overwritten;     /* refused as FH_STALE; allocations found overwritten */
    bool hardened;
} fh_arena_stats;
/* The numbers of an arena, O(1). */
FH_API fh_arena_stats fh_arena_stats_get(fh_ref const fh_arena *arena);
/* The name given in the options. */
FH_API const char *fh_arena_name(fh_ref const fh_arena *arena) fh_view(1);
/* Verifies every invariant, and every canary of a hardened arena, for tests and tools. FH_CORRUPT or FH_OVERWRITTEN, and *err
 * says which. */
FH_FALLIBLE fh_arena_check(fh_ref const fh_arena *arena, fh_mut fh_err *err);

FH_EXTERN_END
#endif
