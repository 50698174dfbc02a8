/* alloc.h: where memory comes from: an allocator interface, the heap, and a tracing allocator for tests.
 *
 *     struct thing *t = fh_alloc(a, 1, sizeof *t);     zeroed, 64-byte aligned, NULL when there is none
 *     fh_free(a, t);
 *
 * Every object remembers the allocator that made it. `count * size_bytes` is checked for overflow. Memory is zeroed, so nothing
 * uninitialised is ever readable.
 *
 * Threading: the heap may be used from any thread; a tracing allocator too (it locks). */
#ifndef FREEHOLD_ALLOC_H
#define FREEHOLD_ALLOC_H

#include "freehold/span.h"
#include "freehold/status.h"

FH_EXTERN_BEGIN

enum { FH_ALLOC_ALIGN = 64 };

/* An allocator: its functions and their context. Users call fh_alloc, fh_free and the fh_pages functions. */
typedef struct fh_allocator {
    void *ctx;
    /* Returns zeroed memory at FH_ALLOC_ALIGN, or NULL; size_bytes is at least 1. */
    void *(*alloc)(void *ctx, size_t size_bytes);
    /* Ends it; p is never NULL. */
    void (*free)(void *ctx, void *p);
    /* Address space and the memory behind it: fh_pages_reserve, _commit and _release. */
    fh_status (*reserve)(void *ctx, size_t size_bytes, void **out);
    fh_status (*commit)(void *ctx, void *at, size_t size_bytes);
    void (*release)(void *ctx, void *at, size_t size_bytes);
} fh_allocator;

/* `count` elements of `size_bytes`, zeroed; NULL when the product overflows, is 0, or there is no memory. */
FH_API fh_owned_or_null fh_counted(2, 3) void *fh_alloc(fh_ref fh_allocator *a, size_t count, size_t size_bytes);
/* Ends what fh_alloc gave; NULL is allowed. */
FH_API void fh_free(fh_ref fh_allocator *a, fh_drop void *p);

/* --- pages: address space that never moves ------------------------------------------------------------------------------
 *
 * Sizes and addresses are whole pages (fh_os_page_bytes). A tracing allocator counts a reservation as a live block, and may
 * fail a reservation or a commit as it may fail an allocation. */

/* Reserves address space that traps and costs no memory. FH_NOMEM. */
FH_FALLIBLE fh_pages_reserve(fh_ref fh_allocator *a, size_t size_bytes, fh_owned void **out);
/* Makes a part of a reservation readable and writable; it reads as zeros until written. Committing twice keeps the content.
 * FH_NOMEM changes nothing. */
FH_FALLIBLE fh_pages_commit(fh_ref fh_allocator *a, fh_mut void *at, size_t size_bytes);
/* Ends a whole reservation; NULL is allowed. */
FH_API void fh_pages_release(fh_ref fh_allocator *a, fh_drop void *at, size_t size_bytes);

/* The process heap. It counts. Large blocks come from pages directly and go back to the system when freed. */
FH_API fh_static fh_allocator *fh_heap(void);

/* What an allocator has done so far. */
typedef struct fh_alloc_stats {
    uint64_t live;       /* blocks not yet freed */
    uint64_t live_bytes; /* their sizes */
    uint64_t peak_bytes; /* the largest live_bytes ever */
    uint64_t allocs;     /* successful allocations */
    uint64_t failures;   /* allocations that gave NULL */
} fh_alloc_stats;
FH_API fh_alloc_stats fh_heap_stats(void);

/* An allocator for tests: counts, fails on demand, has a byte budget, and finds leaks, double frees and writes past a
 * block's end (guard bytes, checked at free). A misuse ends the program with a report. */
typedef struct fh_trace fh_trace;
/* Made on the heap; NULL when there is no memory. */
FH_API fh_owned_or_null fh_trace *fh_trace_new(void);
/* Ends it; returns the number of blocks still live, after listing up to 8 of them on standard error. */
FH_API size_t fh_trace_free(fh_drop fh_trace *trace);
/* The allocator. Valid until: fh_trace_free. */
FH_API fh_allocator *fh_trace_allocator(fh_ref fh_trace *trace) fh_view(1);
/* Lets the n-th allocation from now fail (1 = the next one), and only that one; 0 = none. */
FH_API void fh_trace_fail_at(fh_mut fh_trace *trace, uint64_t n);
/* Refuses allocations that would carry live bytes past `bytes`; 0 = no budget. */
FH_API void fh_trace_budget(fh_mut fh_trace *trace, uint64_t bytes);
/* Counters. */
FH_API fh_alloc_stats fh_trace_stats(fh_ref const fh_trace *trace);

/* Defines fh_NAMEs_new(allocator, count, &out) (zeroed; count 0 gives an empty span) and fh_NAMEs_free(allocator, &span) for a
 * span type of FH_SPAN_DEFINE. */
#define FH_ARRAY_DEFINE(name)                                                                            \
    FH_UNUSED FH_MUST_USE static inline fh_status fh_##name##s_new(fh_ref fh_allocator *a, size_t count, \
                                                                   fh_owned fh_##name##s *out) {         \
        *out = (fh_##name##s){NULL, 0};                                                                  \
        if (count == 0)                                                                                  \
            return FH_DONE;                                                                              \
        __typeof__(out->at) at = FH_FROM_VOID(__typeof__(out->at), fh_alloc(a, count, sizeof *at));      \
        if (at == NULL)                                                                                  \
            return FH_STATUS(FH_NOMEM);                                                                  \
        *out = (fh_##name##s){at, count};                                                                \
        return FH_DONE;                                                                                  \
    }                                                                                                    \
    FH_UNUSED static inline void fh_##name##s_free(fh_ref fh_allocator *a, fh_drop fh_##name##s *s) {    \
        fh_free(a, s->at);                                                                               \
        *s = (fh_##name##s){NULL, 0};                                                                    \
    }                                                                                                    \
    struct fh_##name##s

/* `count` elements of `size` bytes that `bytes` are, where they lie; NULL if they are not, or not aligned. Only FH_LENT_DEFINE
 * calls it. */
FH_ALWAYS_INLINE fh_or_null fh_counted(2, 3) void *fh_lent_elements(fh_span bytes, size_t count, size_t size, size_t align) {
    FH_UNSAFE("lent-elements");
    uintptr_t at = (uintptr_t)bytes.at;
    return bytes.size / size == count && bytes.size % size == 0 && at % align == 0 ? (void *)at : NULL;
}

/* Defines fh_NAMEs_lent(bytes, &out) for a type of FH_ARRAY_DEFINE of which any bytes are a value (numbers, structs of numbers
 * without gaps): an array that lies in bytes of somebody else, such as a mapped file, in the byte order of this machine. False,
 * and an empty array, if the bytes are no whole number of elements, or not aligned. It is only read, and fh_NAMEs_return ends
 * it, before the bytes are ended. */
#define FH_LENT_DEFINE(name)                                                                                                  \
    FH_UNUSED FH_MUST_USE static inline bool fh_##name##s_lent(fh_span bytes, fh_owned fh_view(1) fh_##name##s *out) {        \
        *out = (fh_##name##s){NULL, 0};                                                                                       \
        size_t count = bytes.size / sizeof *out->at;                                                                          \
        if (bytes.size == 0)                                                                                                  \
            return true;                                                                                                      \
        __typeof__(out->at) at = FH_FROM_VOID(                                                                                \
            __typeof__(out->at), fh_lent_elements(bytes, count, sizeof *out->at, __alignof__(*out->at)));                     \
        if (at == NULL)                                                                                                       \
            return false;                                                                                                     \
        *out = (fh_##name##s){at, count};                                                                                     \
        return true;                                                                                                          \
    }                                                                                                                         \
    FH_UNUSED static inline void fh_##name##s_return(fh_drop fh_##name##s *s) {                                               \
        *s = (fh_##name##s){NULL, 0};                                                                                         \
    }                                                                                                                         \
    struct fh_##name##s

FH_ARRAY_DEFINE(f32);
FH_ARRAY_DEFINE(i32);
FH_ARRAY_DEFINE(u32);
FH_ARRAY_DEFINE(u64);
FH_ARRAY_DEFINE(size);
FH_ARRAY_DEFINE(view);
FH_LENT_DEFINE(u32);
FH_LENT_DEFINE(u64);

FH_EXTERN_END
#endif
