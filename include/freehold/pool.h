/* pool.h: equal slots reached by handles that know when they are stale.
 *
 *     FH_POOL_DEFINE(conn, struct conn);          at file scope: conn_pool, conn_handle, conn_alloc, conn_get …
 *
 *     conn_pool pool;
 *     fh_pool_config config = {.capacity = 16, .max_capacity = 4096, .growth = {FH_GROW_EXPONENTIAL}, .name = "connections"};
 *     FH_TRY(conn_pool_new(a, &config, &pool));
 *     conn_handle h;
 *     struct conn *c;
 *     FH_TRY(conn_alloc(pool, &h, &c));
 *     FH_TRY(conn_get(pool, h, &c));              FH_STALE once h was released, in every build
 *     FH_TRY(conn_release(pool, h));              FH_DOUBLE_FREE the second time
 *
 * A handle is {generation, index}. A slot's word is {generation, low}: the generation is odd exactly while the slot is live
 * and is never used twice (a slot at the end of its generations is retired); `low` is the next free slot while it is free,
 * and the borrow word while it is live:
 *
 *     0                          nobody but the owner            get, borrow, borrow_mut, pin, release
 *     1 … 2^30 − 1               that many shared borrows        view, borrow
 *     FH_BORROW_COUNTED | n      owned by n counted references   view, share, drop (the last one releases)
 *     FH_BORROW_EXCLUSIVE        one exclusive borrow
 *     FH_BORROW_HOOK             a hook is at work on it
 *     FH_BORROW_KERNEL           in flight in the kernel         unpin
 *     FH_BORROW_AWAITS_OWNER     freed by another thread, the owner has not seen it yet
 *
 * So one compare tells live, same life and unborrowed at once. What does not fit is FH_STALE, FH_DOUBLE_FREE, FH_WRONG_POOL,
 * FH_BORROWED or FH_WRONG_THREAD, changes nothing, and is counted. No switch turns the checks off.
 *
 * Slots lie at base + index × stride in reserved address space: they never move, and a stale lookup never faults.
 *
 * Threading: see fh_pool_threads. Ownership: the pool owns its slots; a handle is a plain number (a weak reference);
 * conn_owned with fh_auto(conn_owned_drop) releases at the end of its scope; conn_share makes the slot counted. */
#ifndef FREEHOLD_POOL_H
#define FREEHOLD_POOL_H

#include "freehold/alloc.h"
#include "freehold/atomic.h"
#include "freehold/memory.h"
#include "freehold/pool_word.h"

FH_EXTERN_BEGIN

/* Who may use a pool. */
typedef enum fh_pool_threads {
    FH_POOL_CONFINED = 0,  /* the thread that made it, or adopted it last; FH_WRONG_THREAD elsewhere */
    FH_POOL_SERIAL,        /* any thread, one at a time: the caller sees to that, as with any other object */
    FH_POOL_SHARED,        /* many threads, each through its own view (fh_pool_attach). A slot's word has one writer, the view
                              that allocated it; a release elsewhere is a message to that view. Borrows: owner only */
    FH_POOL_SHARED_BORROW, /* many threads, each through its own view; words change by compare-and-swap, so any view may
                              borrow and release any slot at once */
} fh_pool_threads;

/* The ways to grow. */
typedef enum fh_growth_kind { FH_GROW_NONE = 0, FH_GROW_LINEAR, FH_GROW_EXPONENTIAL, FH_GROW_CUSTOM } fh_growth_kind;

/* How a full pool grows. Whatever it asks for is clamped to max_capacity first; FH_EXHAUSTED only at max_capacity. */
typedef struct fh_growth {
    fh_growth_kind kind;
    uint32_t slots;   /* linear: how many more; 0 = the first capacity */
    uint32_t percent; /* exponential: new capacity in percent of the old, above 100; 0 = 200 */
    uint32_t (*next)(void *ctx, uint32_t capacity); /* custom: the new capacity, or the old; may not use the pool */
    void *ctx;
} fh_growth;

/* A hook on one slot. It runs outside every lock and may use the pool; only its own slot is FH_BORROWED to everybody. */
typedef fh_status fh_slot_hook(void *ctx, void *slot);

/* What a pool is. Zero means the default.
 *
 * A lazy pool zeroes a slot and runs `init` at each alloc, and runs `fini` at each release and for what is still live at
 * fh_pool_reset and fh_pool_free. An eager pool zeroes a slot and runs `init` once, before its first life (at fh_pool_new and
 * at growth; a shared pool when a view first takes the slot), runs `reset` at each release, and `fini` once, at fh_pool_free:
 * in between an object stays as its last life left it.
 *
 * When init fails, the slot goes back and alloc returns the hook's status. When fini or reset fails, the slot is released all
 * the same and release returns the hook's status. */
typedef struct fh_pool_config {
    size_t size_bytes;          /* of an object; the typed functions fill it in */
    size_t align_bytes;         /* a power of two, not below natural_align_bytes; 0 = that */
    size_t natural_align_bytes; /* of the type; 0 = 16; the typed functions fill it in */
    uint32_t capacity;          /* slots at first, at least 1 */
    uint32_t max_capacity;      /* 0 = capacity; if it grows, what 16 GiB of address space hold */
    fh_growth growth;
    fh_pool_threads threads;
    bool eager;
    bool hardened; /* also finds what raw pointers do behind the pool's back: harden.h. Also under fh_pool_harden_all */
    fh_slot_hook *init, *fini;
    fh_slot_hook *reset; /* of an eager pool: makes an object fit for its next life */
    void *hook_ctx;
    const char *name; /* for reports; lives as long as the pool; NULL = "pool" */
} fh_pool_config;

/* Most slots of any pool. */
enum { FH_POOL_SLOTS_MAX = 0x7ffffff0 };

/* A pool, or one thread's view of a shared one. */
typedef struct fh_pool fh_pool;

/* What a pool has done so far. */
typedef struct fh_pool_stats {
    uint64_t allocs, releases, live, peak;    /* lives begun, ended, now, most at once (shared: at most) */
    uint64_t capacity, max_capacity, growths; /* slots, slots, times */
    uint64_t failures;                        /* allocs that gave no slot, hooks that failed among them */
    uint64_t stale_uses, double_frees, wrong_pools, borrow_conflicts, wrong_threads, overwritten; /* refusals */
    uint64_t remote_frees, quarantined, retired; /* slots released through another view; held back; worn out */
    uint64_t committed_bytes, reserved_bytes;
} fh_pool_stats;

/* What a use found: the slot (NULL unless the status is FH_OK), in registers. */
typedef struct fh_pool_found {
    void *at;
    fh_status status;
} fh_pool_found;

/* The roads out of line: for every pool, and with every refusal. */
FH_MUST_USE FH_API fh_pool_found fh_pool_alloc_slow(fh_mut fh_pool *pool, fh_out fh_handle *out);
FH_MUST_USE FH_API fh_pool_found fh_pool_use(fh_mut fh_pool *pool, fh_handle h, fh_pool_op op);

/* What the inline functions see of a pool. */
static inline fh_pool_fast *fh_pool_fast_of(fh_pool *pool) {
    FH_UNSAFE("pool-slot");
    return (fh_pool_fast *)(void *)pool;
}
/* The bytes between slots, unless the caller knows them. */
static inline uint64_t fh_pool_fast_stride(const fh_pool *pool) {
    FH_UNSAFE("pool-slot");
    return ((const fh_pool_fast *)(const void *)pool)->stride;
}

/* A use of a handle, inline as far as possible: `op` and, in typed pools, `stride` are constants. */
FH_ALWAYS_INLINE fh_pool_found fh_pool_fast_use(fh_mut fh_pool *pool, fh_handle h, fh_pool_op op, uint64_t stride) fh_view(1) {
    fh_pool_fast *p = fh_pool_fast_of(pool);
    uint32_t i = (uint32_t)h.value;
    uint64_t next;
    if (!fh_pool_fast_finds(p, h, op, &next))
        return fh_pool_use(pool, h, op);
    FH_UNSAFE("pool-slot");
    if (op > FH_POOL_VIEW)
        fh_store(&p->words[i], (h.value - i) + next, FH_RELAXED);
    fh_pool_found found = {p->base + i * stride, {FH_OK}};
    return found;
}

/* fh_pool_alloc; `stride` and `size` are constants in typed pools. */
FH_ALWAYS_INLINE fh_pool_found fh_pool_fast_alloc(fh_mut fh_pool *pool, fh_out uint64_t *out_handle, uint64_t stride,
                                                  uint64_t size) fh_view(1) {
    fh_pool_fast *p = fh_pool_fast_of(pool);
    uint64_t zeroing = FH_POOL_PEEK(&p->alloc_thread) - fh_thread_self();
    FH_UNSAFE("pool-slot");
    if (FH_UNLIKELY(zeroing > 1 || p->head == FH_POOL_NO_SLOT))
        return fh_pool_alloc_slow(pool, (fh_handle *)(void *)out_handle);
    uint32_t i = p->head & FH_POOL_INDEX;
    uint64_t word = fh_load(&p->words[i], FH_RELAXED), live = ((word >> 32) + 1) << 32;
    uint8_t *at = p->base + i * stride;
    p->head = (uint32_t)word;
    if (zeroing != 0)
        __builtin_memset(at, 0, size);
    fh_store(&p->words[i], live, FH_RELEASE);
    *out_handle = live | i;
    fh_pool_found found = {at, {FH_OK}};
    return found;
}

/* --- life of a pool ------------------------------------------------------------------------------------------------- */

/* A pool. FH_INVALID for a configuration that contradicts itself (a size or capacity of 0, an alignment that is no power of
 * two or below the natural one, max_capacity below capacity or without growth, an exponent of 100 percent or less, reset
 * without eager …), FH_LIMIT for a capacity above FH_POOL_SLOTS_MAX, FH_NOMEM, and what an eager init hook said. */
FH_FALLIBLE fh_pool_new(fh_ref fh_allocator *a, fh_ref const fh_pool_config *config, fh_owned fh_view(1) fh_pool **out);
/* Ends the pool with all slots; NULL is allowed. fini runs for what is live (eager: for every slot that init has seen); what
 * the hook says is lost, and it cannot allocate here any more (FH_CANCELED). A slot that is borrowed or in flight, a view that
 * is attached, and a thread that may not use the pool are programmers' errors. */
FH_API void fh_pool_free(fh_drop fh_pool *pool);
/* Releases every live slot, counted ones too. FH_BORROWED changes nothing; when hooks fail, all slots are released all the
 * same and the first failure is returned. Of a shared pool: only while nobody else has a view of it (FH_BORROWED). */
FH_FALLIBLE fh_pool_reset(fh_mut fh_pool *pool);
/* Makes the calling thread the user of a confined pool, or of a view. The former user must have stopped, and must have told
 * this thread so by something that orders memory (a join, a queue). */
FH_API void fh_pool_adopt(fh_mut fh_pool *pool);

/* --- slots -------------------------------------------------------------------------------------------------------------
 *
 * Each call may also be refused with FH_WRONG_THREAD; each with a handle, with FH_STALE (released, or the zero handle) and
 * FH_WRONG_POOL (this pool never made it). A refusal changes nothing but counters. */

/* A slot and its handle; out_at may be NULL. FH_EXHAUSTED at max_capacity, FH_NOMEM, or what the init hook said. */
FH_MUST_USE static inline fh_status fh_pool_alloc(fh_mut fh_pool *pool, fh_out fh_handle *out, fh_out void **out_at) {
    fh_pool_found found = fh_pool_fast_alloc(pool, &out->value, fh_pool_fast_stride(pool), fh_pool_fast_of(pool)->size);
    if (out_at != NULL)
        *out_at = found.at;
    return found.status;
}

/* Gives a slot back. FH_DOUBLE_FREE the second time, FH_STALE once the slot has another life, FH_BORROWED while it is
 * borrowed, counted or in flight. What a failing hook says is returned too, and the slot is released all the same. */
FH_MUST_USE static inline fh_status fh_pool_release(fh_mut fh_pool *pool, fh_handle h) {
    fh_pool_fast *p = fh_pool_fast_of(pool);
    uint32_t i = (uint32_t)h.value, generation = (uint32_t)(h.value >> 32);
    FH_UNSAFE("pool-slot");
    if (FH_UNLIKELY(FH_POOL_PEEK(&p->thread) != fh_thread_self() || i - p->release_first >= p->release_limit ||
                    FH_POOL_PEEK(&p->words[i]) != (h.value & ~(uint64_t)UINT32_MAX) || generation == p->last))
        return fh_pool_use(pool, h, FH_POOL_RELEASE).status;
    fh_store(&p->words[i], (uint64_t)(generation + 1) << 32 | p->head, FH_RELEASE);
    p->head = i | ~FH_POOL_INDEX;
    return FH_DONE;
}

/* The owner's access to a slot that nobody borrows. Valid until: the slot is released or borrowed. FH_BORROWED. */
FH_MUST_USE static inline fh_status fh_pool_get(fh_mut fh_pool *pool, fh_handle h, fh_out void **out) {
    fh_pool_found found = fh_pool_fast_use(pool, h, FH_POOL_GET, fh_pool_fast_stride(pool));
    *out = found.at;
    return found.status;
}
/* Reading access to a slot that is unborrowed, borrowed by readers, or counted. Valid until: it is released or borrowed
 * exclusively. FH_BORROWED. */
FH_MUST_USE static inline fh_status fh_pool_view(fh_mut fh_pool *pool, fh_handle h, fh_out const void **out) {
    fh_pool_found found = fh_pool_fast_use(pool, h, FH_POOL_VIEW, fh_pool_fast_stride(pool));
    *out = found.at;
    return found.status;
}

/* --- borrows -----------------------------------------------------------------------------------------------------------
 *
 * A borrowed slot can be neither released nor reset. An _end without its beginning is FH_INVALID. */

/* One more shared borrow. Valid until: fh_pool_borrow_end. FH_BORROWED while it is borrowed exclusively, counted or in flight;
 * FH_LIMIT at FH_BORROW_SHARED_MAX. */
FH_MUST_USE static inline fh_status fh_pool_borrow(fh_mut fh_pool *pool, fh_handle h, fh_out const void **out) {
    fh_pool_found found = fh_pool_fast_use(pool, h, FH_POOL_BORROW, fh_pool_fast_stride(pool));
    *out = found.at;
    return found.status;
}
/* Ends one shared borrow. */
FH_MUST_USE static inline fh_status fh_pool_borrow_end(fh_mut fh_pool *pool, fh_handle h) {
    return fh_pool_fast_use(pool, h, FH_POOL_BORROW_END, 0).status;
}
/* The only borrow. Valid until: fh_pool_borrow_mut_end. FH_BORROWED if there is any other use. */
FH_MUST_USE static inline fh_status fh_pool_borrow_mut(fh_mut fh_pool *pool, fh_handle h, fh_out void **out) {
    fh_pool_found found = fh_pool_fast_use(pool, h, FH_POOL_BORROW_MUT, fh_pool_fast_stride(pool));
    *out = found.at;
    return found.status;
}
/* Ends the only borrow. */
FH_MUST_USE static inline fh_status fh_pool_borrow_mut_end(fh_mut fh_pool *pool, fh_handle h) {
    return fh_pool_fast_use(pool, h, FH_POOL_BORROW_MUT_END, 0).status;
}

/* In flight: the kernel, or a foreign library, has the address. Nobody else may use the slot. FH_BORROWED. Valid until:
 * fh_pool_unpin. */
FH_MUST_USE static inline fh_status fh_pool_pin(fh_mut fh_pool *pool, fh_handle h, fh_out void **out) {
    fh_pool_found found = fh_pool_use(pool, h, FH_POOL_PIN);
    *out = found.at;
    return found.status;
}
/* It came back. */
FH_MUST_USE static inline fh_status fh_pool_unpin(fh_mut fh_pool *pool, fh_handle h) {
    return fh_pool_use(pool, h, FH_POOL_UNPIN).status;
}

/* --- counted references: the last one releases the slot; a plain handle is a weak reference ------------------------- */

/* Makes an unborrowed slot counted, with one reference, for good: from now on it is read only. FH_BORROWED. */
FH_MUST_USE static inline fh_status fh_pool_share(fh_mut fh_pool *pool, fh_handle h) {
    return fh_pool_use(pool, h, FH_POOL_SHARE).status;
}
/* One reference more, if the slot is still live. FH_INVALID if it is not counted, FH_LIMIT at FH_BORROW_SHARED_MAX. */
FH_MUST_USE static inline fh_status fh_pool_upgrade(fh_mut fh_pool *pool, fh_handle h) {
    return fh_pool_use(pool, h, FH_POOL_UPGRADE).status;
}
/* One reference fewer; the last releases the slot, with all that fh_pool_release does. FH_INVALID if it is not counted. */
FH_MUST_USE static inline fh_status fh_pool_drop(fh_mut fh_pool *pool, fh_handle h) {
    return fh_pool_use(pool, h, FH_POOL_DROP).status;
}

/* --- many at once, copies ------------------------------------------------------------------------------------------- */

/* `count` slots, or none: then all handles are 0 and the status is that of the slot that failed. */
FH_FALLIBLE fh_pool_alloc_n(fh_mut fh_pool *pool, size_t count, fh_out fh_handle *handles);
/* Releases each; the first refusal is returned, the others are tried all the same. */
FH_FALLIBLE fh_pool_release_n(fh_mut fh_pool *pool, size_t count, fh_ref const fh_handle *handles);
/* Copies the first bytes of an object out of, or into, its slot, borrowing it meanwhile; no address gets out. FH_INVALID for
 * more bytes than the object has, FH_BORROWED. */
FH_FALLIBLE fh_pool_load(fh_mut fh_pool *pool, fh_handle h, fh_mspan out);
FH_FALLIBLE fh_pool_store(fh_mut fh_pool *pool, fh_handle h, fh_span bytes);

/* --- threads -------------------------------------------------------------------------------------------------------- */

/* A view of a shared pool for the calling thread, or the one that another thread has left; the pool's maker uses `pool` itself.
 * Each view keeps slots for itself: FH_EXHAUSTED says that this one finds none. With n = 62, or max_capacity / 16 if that is
 * less: it has its own free ones (FH_POOL_SHARED_BORROW: 2 n), and up to n − 1 released ones of each other are on the way to
 * it until that one reaps (FH_POOL_SHARED). FH_UNSUPPORTED for a pool that is not shared, FH_LIMIT for view 256, FH_NOMEM. */
FH_FALLIBLE fh_pool_attach(fh_mut fh_pool *pool, fh_owned fh_pool **out_view);
/* Ends a view, as the end of its thread does. What it had is for the next to attach, or to find no slot. FH_WRONG_THREAD. */
FH_FALLIBLE fh_pool_detach(fh_drop fh_pool *view);
/* Takes in what other threads released, and sends what waits to be sent: at a thread's quiet moments. */
FH_FALLIBLE fh_pool_reap(fh_mut fh_pool *pool);
/* Gives the memory of the free slots at the end back to the system, down to the first capacity; returns how many bytes.
 * Nothing in eager and in shared pools. */
FH_API size_t fh_pool_trim(fh_mut fh_pool *pool);

/* --- numbers, reports, checks --------------------------------------------------------------------------------------- */

/* Counters, from any thread. O(slots ever used): an alloc counts nothing, it is read off the generations. */
FH_API fh_pool_stats fh_pool_stats_get(fh_ref const fh_pool *pool);
/* Starts to count again: events from 0, peak from what is live. */
FH_API void fh_pool_stats_reset(fh_mut fh_pool *pool);

/* Appends the statistics: lines for people, one JSON object, or the Prometheus text format with the label pool="name".
 * FH_LIMIT or FH_NOMEM of the buffer, which then keeps its former content. */
FH_FALLIBLE fh_pool_report(fh_ref const fh_pool *pool, fh_report_format format, fh_mut fh_buf *out);
/* Checks every invariant, O(slots), while nobody else uses the pool: FH_CORRUPT with the slot and what is wrong with it. */
FH_FALLIBLE fh_pool_check(fh_ref const fh_pool *pool, fh_mut fh_err *err);

/* --- typed pools ---------------------------------------------------------------------------------------------------------
 *
 * FH_POOL_DEFINE(conn, struct conn) defines conn_pool, conn_handle and conn_owned, and conn_* functions that take these alone:
 * the handle of another type does not compile. Here the compiler knows the distance of two slots: a checked access costs half
 * as much as with fh_pool_*. So slots cannot be aligned more than the type: FH_POOL_DEFINE_ALIGNED(conn, struct conn, 64) is
 * for that, and a config.align_bytes that asks for more is FH_INVALID.
 *
 * conn_own wraps a handle for fh_auto:
 *
 *     fh_auto(conn_owned_drop) conn_owned c = conn_own(pool, h);       released at the end of the scope …
 *     return conn_owned_take(&c);                                      … unless its handle was taken out
 *
 * conn_owned_drop leaves a slot alone that is stale or borrowed by then; the pool counts it. */
#define FH_POOL_DEFINE(name, type) FH_POOL_DEFINE_ALIGNED(name, type, __alignof__(type))
#define FH_POOL_DEFINE_ALIGNED(name, type, align)                                                                      \
    typedef struct name##_pool {                                                                                       \
        fh_owned fh_pool *pool;                                                                                        \
    } name##_pool;                                                                                                     \
    typedef struct name##_handle {                                                                                     \
        uint64_t value;                                                                                                \
    } name##_handle;                                                                                                   \
    typedef struct name##_owned {                                                                                      \
        fh_ref name##_pool pool;                                                                                      \
        name##_handle handle;                                                                                          \
    } name##_owned;                                                                                                    \
    enum { name##_pool_stride = (sizeof(type) + (align)-1) / (align) * (align) };                                      \
    FH_UNUSED FH_MUST_USE static inline fh_status name##_pool_new(fh_ref fh_allocator *a,                              \
                           fh_ref const fh_pool_config *config, fh_owned fh_view(1) name##_pool *out) {                \
        fh_pool_config c = *config;                                                                                    \
        out->pool = NULL;                                                                                              \
        if (c.align_bytes > (align))                                                                                   \
            return FH_STATUS(FH_INVALID);                                                                              \
        c.size_bytes = sizeof(type);                                                                                   \
        c.natural_align_bytes = __alignof__(type);                                                                     \
        c.align_bytes = (align);                                                                                       \
        return fh_pool_new(a, &c, &out->pool);                                                                         \
    }                                                                                                                  \
    FH_UNUSED static inline void name##_pool_free(fh_drop name##_pool p) {                                             \
        fh_pool_free(p.pool);                                                                                          \
    }                                                                                                                  \
    FH_UNUSED FH_MUST_USE static inline fh_status name##_alloc(name##_pool p, fh_out name##_handle *out,               \
                                                               fh_out fh_view(1) type **out_at) {                      \
        fh_pool_found found = fh_pool_fast_alloc(p.pool, &out->value, name##_pool_stride, sizeof(type));               \
        if (out_at != NULL)                                                                                            \
            *out_at = FH_FROM_VOID(type *, found.at);                                                                  \
        return found.status;                                                                                           \
    }                                                                                                                  \
    FH_POOL_DEFINE_AT_(name, type, get, GET)                                                                           \
    FH_POOL_DEFINE_AT_(name, const type, view, VIEW)                                                                   \
    FH_POOL_DEFINE_AT_(name, const type, borrow, BORROW)                                                               \
    FH_POOL_DEFINE_AT_(name, type, borrow_mut, BORROW_MUT)                                                             \
    FH_POOL_DEFINE_AT_(name, type, pin, PIN)                                                                           \
    FH_POOL_DEFINE_DO_(name, borrow_end, fh_mut)                                                                       \
    FH_POOL_DEFINE_DO_(name, borrow_mut_end, fh_mut)                                                                   \
    FH_POOL_DEFINE_DO_(name, unpin, fh_mut)                                                                            \
    FH_POOL_DEFINE_DO_(name, release, fh_mut)                                                                          \
    FH_POOL_DEFINE_DO_(name, share, )                                                                                  \
    FH_POOL_DEFINE_DO_(name, upgrade, )                                                                                \
    FH_POOL_DEFINE_DO_(name, drop, )                                                                                   \
    FH_UNUSED static inline name##_owned name##_own(name##_pool p, name##_handle h) {                                  \
        name##_owned o = {p, h};                                                                                       \
        return o;                                                                                                      \
    }                                                                                                                  \
    FH_UNUSED static inline name##_handle name##_owned_take(fh_mut name##_owned *o) {                                  \
        name##_handle h = o->handle;                                                                                   \
        o->handle.value = 0;                                                                                           \
        return h;                                                                                                      \
    }                                                                                                                  \
    FH_UNUSED static inline void name##_owned_drop(fh_drop name##_owned *o) {                                          \
        name##_handle h = name##_owned_take(o);                                                                        \
        if (h.value != 0 && fh_failed(name##_release(o->pool, h)))                                                     \
            return;                                                                                                    \
    }                                                                                                                  \
    struct name##_pool

#define FH_POOL_DEFINE_AT_(name, type, verb, op)                                                                       \
    FH_UNUSED FH_MUST_USE static inline fh_status name##_##verb(name##_pool p, name##_handle h, fh_out fh_view(1) type **out) {\
        fh_handle plain = {h.value};                                                                                   \
        fh_pool_found found = fh_pool_fast_use(p.pool, plain, FH_POOL_##op, name##_pool_stride);                       \
        *out = FH_FROM_VOID(type *, found.at);                                                                         \
        return found.status;                                                                                           \
    }
#define FH_POOL_DEFINE_DO_(name, verb, word)                                                                           \
    FH_UNUSED FH_MUST_USE static inline fh_status name##_##verb(word name##_pool p, name##_handle h) {                 \
        fh_handle plain = {h.value};                                                                                   \
        return fh_pool_##verb(p.pool, plain);                                                                          \
    }

FH_EXTERN_END
#endif
