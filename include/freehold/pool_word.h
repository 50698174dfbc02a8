/* pool_word.h: a handle, the word of the slot that it names, and the check that both must pass: what pools inline.
 *
 * A program calls the functions of pool.h, which also tells what words and handles are. The contracts here are proved
 * (tests/proofs): whatever a handle holds, the check reads one word inside the table, and passes only if that word belongs to
 * the handle's life and allows the use.
 *
 * Threading: a word is read by whoever has a view of its pool; see fh_pool_threads. */
#ifndef FREEHOLD_POOL_WORD_H
#define FREEHOLD_POOL_WORD_H

#include "freehold/atomic.h"
#include "freehold/status.h"

FH_EXTERN_BEGIN

/* A checked reference to one life of one slot: generation << 32 | index; 0 is never valid. */
typedef struct fh_handle {
    uint64_t value;
} fh_handle;

/* Values of the low half of a live slot's word. All that forbid reading have the highest bit. */
#define FH_BORROW_COUNTED UINT32_C(0x40000000)
#define FH_BORROW_EXCLUSIVE UINT32_C(0xfffffffe)
#define FH_BORROW_KERNEL UINT32_C(0xfffffffd)
#define FH_BORROW_AWAITS_OWNER UINT32_C(0xfffffffc)
#define FH_BORROW_HOOK UINT32_C(0xfffffffb)
#define FH_BORROW_SHARED_MAX (FH_BORROW_COUNTED - 1) /* shared borrows, or counted references, of one slot */

/* --- the part that is inlined ------------------------------------------------------------------------------------------
 *
 * The first members of every fh_pool. A pool that needs more work at an operation (hooks, zeroing, hardening, other threads, a
 * tool that watches memory) leaves the matching limit or thread 0, and so takes the road out of line: the fast path asks
 * nothing else. */
typedef struct fh_pool_fast {
    uint64_t *words;        /* of all slots */
    uint8_t *base;          /* slot i at base + i × stride */
    uint64_t stride;        /* bytes */
    uint64_t thread;        /* fh_thread_self() of the only user; 0 = nobody yet */
    uint64_t alloc_thread;  /* the same, plus 1 if alloc has to zero the slot; 0 if it cannot be done inline */
    uint64_t size;          /* of an object, bytes */
    uint32_t head;          /* first free slot, or FH_POOL_NO_SLOT */
    uint32_t limit;         /* slots below it may be looked up inline */
    uint32_t borrow_limit;  /* slots below it may be borrowed inline: one thread writes their words */
    uint32_t release_first; /* from this one on … */
    uint32_t release_limit; /* … so many slots may be released inline: the same, and no hook */
    uint32_t last;          /* the last odd generation: a slot that ends this life is retired */
} fh_pool_fast;

#define FH_POOL_NO_SLOT UINT32_MAX
#define FH_POOL_INDEX UINT32_C(0x7fffffff) /* of `head` and of a free word: the highest bit says "free" */

/* What may be done to a live slot. */
typedef enum fh_pool_op {
    FH_POOL_GET, FH_POOL_VIEW, FH_POOL_BORROW, FH_POOL_BORROW_END, FH_POOL_BORROW_MUT, FH_POOL_BORROW_MUT_END,
    FH_POOL_PIN, FH_POOL_UNPIN, FH_POOL_SHARE, FH_POOL_UPGRADE, FH_POOL_DROP, FH_POOL_RELEASE,
} fh_pool_op;

/* What it makes of the slot's borrow word: FH_OK and *next, or why not. Never FH_OK for a low above UINT32_MAX or with the
 * highest bit of a free slot's. Next of FH_BORROW_HOOK means that the life ends. */
/*@ requires \valid(next); assigns *next;
    ensures \result == FH_OK ==> low <= UINT32_MAX && *next <= UINT32_MAX;
    ensures \result == FH_OK && op == FH_POOL_GET ==> low == 0;
    ensures \result == FH_OK && op == FH_POOL_VIEW ==> low <= FH_POOL_INDEX;
    ensures \result == FH_OK && op == FH_POOL_BORROW ==> *next == low + 1 <= FH_BORROW_SHARED_MAX;
    ensures op == FH_POOL_DROP && low == FH_BORROW_COUNTED + 1 ==> \result == FH_OK && *next == FH_BORROW_HOOK;
    ensures \result == FH_OK && op == FH_POOL_RELEASE ==> low == 0; */
static inline fh_code fh_pool_step(fh_pool_op op, uint64_t low, uint64_t *next) {
    bool is_counted = low >= FH_BORROW_COUNTED && low <= FH_BORROW_COUNTED + FH_BORROW_SHARED_MAX;
    *next = low;
    switch (op) {
    case FH_POOL_GET:
        return low == 0 ? FH_OK : FH_BORROWED;
    case FH_POOL_VIEW:
        return low <= FH_POOL_INDEX ? FH_OK : FH_BORROWED;
    case FH_POOL_BORROW:
        *next = low + 1;
        return low < FH_BORROW_SHARED_MAX ? FH_OK : low == FH_BORROW_SHARED_MAX ? FH_LIMIT : FH_BORROWED;
    case FH_POOL_BORROW_END:
        *next = low - 1;
        return low - 1 < FH_BORROW_SHARED_MAX ? FH_OK : FH_INVALID;
    case FH_POOL_BORROW_MUT:
        *next = FH_BORROW_EXCLUSIVE;
        return low == 0 ? FH_OK : FH_BORROWED;
    case FH_POOL_BORROW_MUT_END:
        *next = 0;
        return low == FH_BORROW_EXCLUSIVE ? FH_OK : FH_INVALID;
    case FH_POOL_PIN:
        *next = FH_BORROW_KERNEL;
        return low == 0 ? FH_OK : FH_BORROWED;
    case FH_POOL_UNPIN:
        *next = 0;
        return low == FH_BORROW_KERNEL ? FH_OK : FH_INVALID;
    case FH_POOL_SHARE:
        *next = FH_BORROW_COUNTED + 1;
        return low == 0 ? FH_OK : FH_BORROWED;
    case FH_POOL_UPGRADE:
        *next = low + 1;
        return !is_counted ? FH_INVALID : low < FH_BORROW_COUNTED + FH_BORROW_SHARED_MAX ? FH_OK : FH_LIMIT;
    case FH_POOL_DROP:
        *next = low == FH_BORROW_COUNTED + 1 ? FH_BORROW_HOOK : low - 1;
        return is_counted ? FH_OK : FH_INVALID;
    case FH_POOL_RELEASE:
        *next = FH_BORROW_HOOK;
        return low == 0 ? FH_OK : FH_BORROWED;
    }
    return FH_INVALID;
}

/* A load that may be folded into a compare: of what only this thread writes, or of what can only lead to a refusal. */
#if defined(FH_WEAVE) || defined(__SANITIZE_THREAD__) || defined(FH_HAS_TSAN)
#define FH_POOL_PEEK(p) fh_load((p), FH_RELAXED)
#else
#define FH_POOL_PEEK(p) (*(p))
#endif

/*@ predicate laid_out(fh_pool_fast *p) = \valid_read(p) && p->borrow_limit <= p->limit &&
        (p->limit == 0 || \valid_read(p->words + (0 .. p->limit - 1))); */

/* True if a use may be made inline: the slot exists, lives the handle's life, and `op` may be done to it; its borrow word
 * becomes *next. */
/*@ requires laid_out(p) && \valid(next) && \separated(next, p, p->words + (0 .. p->limit - 1)); assigns *next;
    ensures \result ==> (uint32_t)h.value < (op <= FH_POOL_VIEW ? p->limit : p->borrow_limit);
    ensures \result ==> 0 <= p->words[(uint32_t)h.value] - (h.value - (uint32_t)h.value) <= UINT32_MAX;
    ensures \result && op == FH_POOL_GET ==> p->words[(uint32_t)h.value] == h.value - (uint32_t)h.value;
    ensures \result ==> *next <= UINT32_MAX; */
FH_ALWAYS_INLINE bool fh_pool_fast_finds(fh_ref const fh_pool_fast *p, fh_handle h, fh_pool_op op, fh_out uint64_t *next) {
    uint32_t i = (uint32_t)h.value;
    FH_UNSAFE("pool-slot");
    return FH_LIKELY(FH_POOL_PEEK(&p->thread) == fh_thread_self() &&
                     i < (op <= FH_POOL_VIEW ? p->limit : p->borrow_limit) &&
                     fh_pool_step(op, FH_POOL_PEEK(&p->words[i]) - (h.value - i), next) == FH_OK);
}

FH_EXTERN_END
#endif
