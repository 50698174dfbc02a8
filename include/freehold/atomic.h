/* atomic.h: the atomic operations of the lock-free structures, in one place so that a test can stand in for them.
 *
 *     uint64_t word = fh_load(&slot->word, FH_ACQUIRE);
 *     fh_store(&ring->tail, tail + 1, FH_RELEASE);
 *     while (!fh_cas(&stack->top, &top, next, FH_ACQ_REL)) { … }      on failure `top` holds what was found
 *
 * The operands are ordinary integers or pointers of 1, 2, 4 or 8 bytes, aligned; an object that is shared this way is only
 * ever touched this way. Natively each macro is one builtin of the compiler. Built with FH_WEAVE, each is a call to the
 * interleaving explorer of tests/weave, which decides who runs next and which store a load sees; FH_READS and FH_WRITES then
 * tell it of plain memory that several threads reach, and of its end (FH_ENDS), so that a missing order shows as a race.
 *
 * Source: C11 section 7.17, the GCC __atomic builtins. Threading: that is what it is for. */
#ifndef FREEHOLD_ATOMIC_H
#define FREEHOLD_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "freehold/attrs.h"

#define FH_RELAXED __ATOMIC_RELAXED
#define FH_ACQUIRE __ATOMIC_ACQUIRE
#define FH_RELEASE __ATOMIC_RELEASE
#define FH_ACQ_REL __ATOMIC_ACQ_REL
#define FH_SEQ_CST __ATOMIC_SEQ_CST

#ifndef FH_WEAVE

#define fh_load(p, order) __atomic_load_n((p), (order))
#define fh_store(p, value, order) __atomic_store_n((p), (value), (order))
/* True if *p was *expected and is now `value`; else *expected is what was found (loaded with FH_ACQUIRE where `order`
 * acquires, FH_RELAXED otherwise). Never fails by chance. */
#define fh_cas(p, expected, value, order) \
    __atomic_compare_exchange_n((p), (expected), (value), 0, (order), FH_CAS_FAILURE_(order))
/* Each gives the value before. */
#define fh_exchange(p, value, order) __atomic_exchange_n((p), (value), (order))
#define fh_fetch_add(p, value, order) __atomic_fetch_add((p), (value), (order))
#define fh_fetch_sub(p, value, order) __atomic_fetch_sub((p), (value), (order))
#define fh_fetch_or(p, value, order) __atomic_fetch_or((p), (value), (order))
#define fh_fetch_and(p, value, order) __atomic_fetch_and((p), (value), (order))
#define fh_fence(order) __atomic_thread_fence(order)
/* Keeps the compiler, and nothing else, from moving accesses across it: the cheap half of fh_os_barrier_all. */
#define fh_fence_compiler() __atomic_signal_fence(__ATOMIC_SEQ_CST)
/* A number that no other living thread has, never 0: the price of one load. It may come back after its thread has ended. */
/*@ assigns \nothing; */
static inline uint64_t fh_thread_self(void) {
#if defined(__wasm__)
    return 1;
#else
    FH_UNSAFE("thread-name");
    return (uint64_t)(uintptr_t)__builtin_thread_pointer();
#endif
}
/* Inside a loop that waits for another thread. */
#if defined(__x86_64__) || defined(__i386__)
#define fh_pause() __builtin_ia32_pause()
#else
#define fh_pause() ((void)0)
#endif

/* Takes the cache line at p away from every other core, without changing a byte: whoever reads a line that another core is
 * about to write makes that core wait, on some processors for longer than a transfer takes. Where there is no such
 * instruction, nothing. (A prefetch for writing does not do it: on Zen 4 it leaves a shared line shared.) */
#if defined(__x86_64__)
#define fh_own_line(p) __asm__ volatile("lock orb $0, %0" : "+m"(*(p)))
#else
#define fh_own_line(p) ((void)(p))
#endif

#define FH_READS(p, size_bytes) ((void)(p), (void)(size_bytes))
#define FH_WRITES(p, size_bytes) ((void)(p), (void)(size_bytes))
#define FH_ENDS(p, size_bytes) ((void)(p), (void)(size_bytes))

#define FH_CAS_FAILURE_(order) \
    ((order) == FH_SEQ_CST ? FH_SEQ_CST : (order) == FH_ACQUIRE || (order) == FH_ACQ_REL ? FH_ACQUIRE : FH_RELAXED)

#else

/* The place of an operation in the source, for reports, and so that the explorer may weaken it alone (tests/weave/weave.h). */
typedef struct weave_site {
    const char *file, *function, *what;
    int line;
} weave_site;
typedef enum weave_rmw_kind { WEAVE_EXCHANGE, WEAVE_ADD, WEAVE_SUB, WEAVE_OR, WEAVE_AND } weave_rmw_kind;

uint64_t weave_load(weave_site site, const void *p, size_t size_bytes, int order);
void weave_store(weave_site site, void *p, size_t size_bytes, uint64_t value, int order);
bool weave_cas(weave_site site, void *p, size_t size_bytes, uint64_t *expected, uint64_t value, int order);
uint64_t weave_rmw(weave_site site, void *p, size_t size_bytes, weave_rmw_kind kind, uint64_t value, int order);
void weave_fence(weave_site site, int order);
void weave_fence_all(void); /* stands in for fh_os_barrier_all: a sequentially consistent fence in every thread */
uint64_t weave_self(void);
void weave_pause(void);
void weave_reads(weave_site site, const void *p, size_t size_bytes);
void weave_writes(weave_site site, const void *p, size_t size_bytes);
void weave_ends(weave_site site, const void *p, size_t size_bytes);

/* Values go through uintptr_t, so that pointers and integers take the same road. */
#define FH_WEAVE_AS_(p, value) ((__typeof__(*(p) + 0))(uintptr_t)(value))
#define FH_WEAVE_AT_(what) ((weave_site){__FILE__, __func__, what, __LINE__})
#define FH_WEAVE_RMW_(p, kind, value, order, what) \
    FH_WEAVE_AS_(p, weave_rmw(FH_WEAVE_AT_(what), (p), sizeof *(p), (kind), (uint64_t)(uintptr_t)(value), (order)))

#define fh_load(p, order) FH_WEAVE_AS_(p, weave_load(FH_WEAVE_AT_("load " #p), (p), sizeof *(p), (order)))
#define fh_store(p, value, order) \
    weave_store(FH_WEAVE_AT_("store " #p), (p), sizeof *(p), (uint64_t)(uintptr_t)(value), (order))
#define fh_cas(p, expected, value, order)                                                                                 \
    __extension__({                                                                                                       \
        uint64_t fh_expected_ = (uint64_t)(uintptr_t)*(expected);                                                         \
        bool fh_done_ = weave_cas(FH_WEAVE_AT_("cas " #p), (p), sizeof *(p), &fh_expected_, (uint64_t)(uintptr_t)(value), \
                                  (order));                                                                               \
        *(expected) = FH_WEAVE_AS_(p, fh_expected_);                                                                      \
        fh_done_;                                                                                                         \
    })
#define fh_exchange(p, value, order) FH_WEAVE_RMW_(p, WEAVE_EXCHANGE, value, order, "exchange " #p)
#define fh_fetch_add(p, value, order) FH_WEAVE_RMW_(p, WEAVE_ADD, value, order, "add " #p)
#define fh_fetch_sub(p, value, order) FH_WEAVE_RMW_(p, WEAVE_SUB, value, order, "sub " #p)
#define fh_fetch_or(p, value, order) FH_WEAVE_RMW_(p, WEAVE_OR, value, order, "or " #p)
#define fh_fetch_and(p, value, order) FH_WEAVE_RMW_(p, WEAVE_AND, value, order, "and " #p)
#define fh_fence(order) weave_fence(FH_WEAVE_AT_("fence"), (order))
#define fh_fence_compiler() ((void)0)
#define fh_thread_self() weave_self()
#define fh_pause() weave_pause()
#define fh_own_line(p) ((void)(p))
#define FH_READS(p, size_bytes) weave_reads(FH_WEAVE_AT_("read " #p), (p), (size_bytes))
#define FH_WRITES(p, size_bytes) weave_writes(FH_WEAVE_AT_("write " #p), (p), (size_bytes))
#define FH_ENDS(p, size_bytes) weave_ends(FH_WEAVE_AT_("end " #p), (p), (size_bytes))

#endif
#endif
