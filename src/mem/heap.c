/* heap.c: the allocator interface and the process heap.
 *
 * A block has a header of FH_ALLOC_ALIGN bytes before it, with its size and a seal made from its address. Blocks from 1 MiB
 * come from pages directly, so that a freed one leaves the process. For 4 MiB and more, blocks and commits alike, huge pages
 * are asked for: 4 million slots of 64 bytes are then looked up at random in about half the time.
 *
 *     [ header: … size_bytes, seal ][ size_bytes of the user ]
 *
 * Invariants: heap-header: p - 64 is the header of every pointer p given out, and its seal is LIVE ^ address until the block is
 * freed; heap-zero: a block is zero when it is given out. The seal turns most double and foreign frees into an assertion (the
 * second free of a large block into a fault, for its pages are gone); it is a guess about memory that may be in use again.
 * Exact answers come from the pools (pool.h) and the tracing allocator.
 *
 * Threading: any thread; the counters are atomic. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "freehold/alloc.h"
#include "freehold/checked.h"
#include "freehold/os.h"
#include "mem/gift.h"

enum { PAGES_FROM = 1 << 20, HUGE_FROM = 4 << 20 };

#define SEAL_LIVE UINT64_C(0x6672656568656170)
#define SEAL_FREED UINT64_C(0x6465616468656170)

/* The seal is last, because a C library keeps its own links in the first words of a freed block. */
typedef struct heap_header {
    uint64_t unused[5];
    size_t total_bytes; /* of the mapping, or 0 for a small block */
    size_t size_bytes;
    uint64_t seal;
} heap_header;

_Static_assert(sizeof(heap_header) == FH_ALLOC_ALIGN, "the header keeps the alignment of the block");

static _Atomic uint64_t live, live_bytes, peak_bytes, allocs, failures;

static uint64_t seal_of(const heap_header *h, uint64_t kind) {
    FH_UNSAFE("heap-header");
    return kind ^ (uint64_t)(uintptr_t)h;
}

static heap_header *small_block(size_t size_bytes) {
    size_t total;
    if (!fh_add_size(size_bytes, sizeof(heap_header), &total) || !fh_align_up_size(total, FH_ALLOC_ALIGN, &total))
        return NULL;
    FH_UNSAFE("heap-header");
    heap_header *h = aligned_alloc(FH_ALLOC_ALIGN, total);
    if (h != NULL)
        memset(h, 0, total);
    return h;
}

static heap_header *page_block(size_t size_bytes) {
    size_t total;
    void *at = NULL;
    if (!fh_add_size(size_bytes, sizeof(heap_header), &total) || !fh_align_up_size(total, fh_os_page_bytes(), &total) ||
        fh_failed(fh_os_reserve(total, &at)))
        return NULL;
    if (fh_failed(fh_os_commit(at, total))) {
        fh_os_release(at, total);
        return NULL;
    }
    if (size_bytes >= HUGE_FROM)
        fh_os_prefer_huge(at, total);
    heap_header *h = at;
    h->total_bytes = total;
    return h;
}

static void *heap_alloc(void *ctx, size_t size_bytes) {
    (void)ctx;
    FH_UNSAFE("heap-header");
    heap_header *h = size_bytes < PAGES_FROM ? small_block(size_bytes) : page_block(size_bytes);
    if (h == NULL) {
        atomic_fetch_add_explicit(&failures, 1, memory_order_relaxed);
        return NULL;
    }
    h->size_bytes = size_bytes;
    h->seal = seal_of(h, SEAL_LIVE);

    atomic_fetch_add_explicit(&allocs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    uint64_t now = atomic_fetch_add_explicit(&live_bytes, size_bytes, memory_order_relaxed) + size_bytes;
    uint64_t peak = atomic_load_explicit(&peak_bytes, memory_order_relaxed);
    while (now > peak && !atomic_compare_exchange_weak_explicit(&peak_bytes, &peak, now, memory_order_relaxed,
                                                                memory_order_relaxed)) {
    }
    return h + 1;
}

static void heap_free(void *ctx, void *p) {
    (void)ctx;
    FH_UNSAFE("heap-header");
    heap_header *h = (heap_header *)p - 1;
    FH_ASSERT(((uintptr_t)p & (FH_ALLOC_ALIGN - 1)) == 0);
    FH_ASSERT(h->seal != seal_of(h, SEAL_FREED)); /* freed twice */
    FH_ASSERT(h->seal == seal_of(h, SEAL_LIVE));  /* not a block of the heap, or its header was overwritten */
    h->seal = seal_of(h, SEAL_FREED);
    atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&live_bytes, h->size_bytes, memory_order_relaxed);
    if (h->total_bytes != 0)
        fh_os_release(h, h->total_bytes);
    else
        free(h);
}

static fh_status heap_reserve(void *ctx, size_t size_bytes, void **out) {
    (void)ctx;
    return fh_os_reserve(size_bytes, out);
}

static fh_status heap_commit(void *ctx, void *at, size_t size_bytes) {
    (void)ctx;
    FH_TRY(fh_os_commit(at, size_bytes));
    if (size_bytes >= HUGE_FROM)
        fh_os_prefer_huge(at, size_bytes);
    return FH_DONE;
}

static void heap_release(void *ctx, void *at, size_t size_bytes) {
    (void)ctx;
    fh_os_release(at, size_bytes);
}

fh_allocator *fh_heap(void) {
    static fh_allocator heap = {NULL, heap_alloc, heap_free, heap_reserve, heap_commit, heap_release};
    return &heap;
}

fh_alloc_stats fh_heap_stats(void) {
    return (fh_alloc_stats){
        .live = atomic_load_explicit(&live, memory_order_relaxed),
        .live_bytes = atomic_load_explicit(&live_bytes, memory_order_relaxed),
        .peak_bytes = atomic_load_explicit(&peak_bytes, memory_order_relaxed),
        .allocs = atomic_load_explicit(&allocs, memory_order_relaxed),
        .failures = atomic_load_explicit(&failures, memory_order_relaxed),
    };
}

void *fh_alloc(fh_allocator *a, size_t count, size_t size_bytes) {
    size_t total;
    if (!fh_mul_size(count, size_bytes, &total) || total == 0)
        return NULL;
    return a->alloc(a->ctx, total);
}

void fh_free(fh_allocator *a, void *p) {
    if (p != NULL)
        a->free(a->ctx, p);
}

fh_status fh_pages_reserve(fh_allocator *a, size_t size_bytes, void **out) {
    *out = NULL;
    return a->reserve(a->ctx, size_bytes, out);
}

fh_status fh_pages_commit(fh_allocator *a, void *at, size_t size_bytes) {
    return a->commit(a->ctx, at, size_bytes);
}

void fh_pages_release(fh_allocator *a, void *at, size_t size_bytes) {
    if (at != NULL)
        a->release(a->ctx, at, size_bytes);
}

/* --- for others ----------------------------------------------------------------------------------------------------------- */

void *fh_gift_new(fh_span bytes) {
    FH_UNSAFE("heap-gift");
    void *block = malloc(bytes.size != 0 ? bytes.size : 1);
    if (block != NULL && bytes.size != 0)
        memcpy(block, bytes.at, bytes.size);
    return block;
}
