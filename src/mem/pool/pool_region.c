/* pool_region.c: the memory of a pool: words and slots in address space that is reserved once and committed as the pool grows.
 *
 *     region = [ words | guard | slots | guard ]        one reservation for max_capacity slots; a guard is a page, or what the
 *                                                       policy asks for
 *
 * So a slot is at base + index × stride for the life of the pool, growing moves nothing, and an object that runs over its
 * end, or under its beginning, cannot reach the words of the slots. Where address space cannot be reserved (FH_MEM_CHUNKED),
 * chunks are allocated instead, each as large as all before it:
 *
 *     chunk 0: slots [0, 2^b)     chunk k: slots [2^(b + k − 1), 2^(b + k))      k = bits of (index >> b)
 *
 * Invariants: pool-slot (pool_core.h); words_committed and base_committed cover all indexes that were ever committed, and
 * [0, slots). Threading: one thread at a time, under the lock of the policy; others read `slots` with FH_ACQUIRE. */
#include <string.h>

#include "freehold/checked.h"
#include "freehold/os.h"
#include "mem/pool/pool_core.h"

uint32_t fh_pool_next_capacity(const fh_pool_core *core) {
    const fh_growth *g = &core->config.growth;
    uint32_t now = core->capacity, max = core->config.max_capacity;
    uint64_t next = now;
    switch (g->kind) {
    case FH_GROW_NONE:
        break;
    case FH_GROW_LINEAR:
        next = (uint64_t)now + g->slots;
        break;
    case FH_GROW_EXPONENTIAL:
        next = (uint64_t)now * g->percent / 100;
        next += next == now; /* 110 % of 5 */
        break;
    case FH_GROW_CUSTOM:
        next = g->next(g->ctx, now);
        break;
    }
    next = next < max ? next : max;
    return next > now ? (uint32_t)next : now;
}

static uint64_t slots_for(const fh_pool_core *core, uint32_t capacity) {
    return core->policy->slots_for == NULL ? capacity : core->policy->slots_for(core, capacity);
}

/* The slots behind [from, to) can be used: nobody may touch them yet. */
static void publish(fh_pool_core *core, uint32_t slots, uint32_t capacity) {
    fh_store(&core->growths, core->growths + (core->capacity != 0), FH_RELAXED);
    fh_store(&core->capacity, capacity, FH_RELAXED);
    fh_store(&core->slots, slots, FH_RELEASE);
}

#if FH_MEM_CHUNKED

static unsigned chunk_of(const fh_pool_core *core, uint32_t index) {
    uint32_t above = index >> core->chunk_bits;
    return above == 0 ? 0 : 32 - (unsigned)__builtin_clz(above);
}
static uint32_t chunk_first(const fh_pool_core *core, unsigned k) {
    return k == 0 ? 0 : UINT32_C(1) << (core->chunk_bits + k - 1);
}
static unsigned chunk_count(const fh_pool_core *core) { /* as many as 31 bits of index need */
    return 32 - core->chunk_bits;
}
static uint32_t chunk_slots(const fh_pool_core *core, unsigned k) {
    return UINT32_C(1) << (core->chunk_bits + k - (k != 0));
}

uint64_t *fh_pool_word(const fh_pool_core *core, uint32_t index) {
    FH_UNSAFE("pool-slot");
    unsigned k = chunk_of(core, index);
    return core->chunks[k].words + (index - chunk_first(core, k));
}
uint8_t *fh_pool_at(const fh_pool_core *core, uint32_t index) {
    FH_UNSAFE("pool-slot");
    unsigned k = chunk_of(core, index);
    return core->chunks[k].base + (index - chunk_first(core, k)) * core->stride;
}

fh_status fh_pool_region_open(fh_pool_core *core) {
    uint64_t slots_max = slots_for(core, core->config.max_capacity), bytes;
    if (slots_max > FH_POOL_SLOTS_MAX || !fh_mul_u64(core->config.capacity, core->stride, &bytes) || bytes > SIZE_MAX)
        return FH_STATUS(FH_NOMEM);
    core->slots_max = (uint32_t)slots_max;
    while ((UINT32_C(1) << core->chunk_bits) < core->config.capacity)
        core->chunk_bits++;
    return FH_DONE;
}

static void chunk_end_slots(fh_pool_core *core, unsigned k) {
    fh_pool_chunk *c = &core->chunks[k];
    size_t bytes = chunk_slots(core, k) * (size_t)core->stride;
    FH_UNPOISON(c->base, bytes);
    fh_free(core->allocator, c->block);
    c->base = c->block = NULL;
    fh_store(&core->base_committed, core->base_committed - bytes, FH_RELAXED);
}

static fh_status chunk_make(fh_pool_core *core, unsigned k) {
    fh_pool_chunk *c = &core->chunks[k];
    size_t align = core->config.align_bytes, bytes, total;
    if (!fh_mul_size(chunk_slots(core, k), core->stride, &bytes) || !fh_add_size(bytes, align, &total))
        return FH_STATUS(FH_NOMEM);
    if (c->words == NULL)
        c->words = fh_alloc(core->allocator, chunk_slots(core, k), sizeof *c->words);
    c->block = c->words == NULL ? NULL : fh_alloc(core->allocator, 1, align <= FH_ALLOC_ALIGN ? bytes : total);
    if (c->block == NULL)
        return FH_STATUS(FH_NOMEM); /* words that were made are kept: they are zero, and serve the next try */
    FH_UNSAFE("pool-slot");
    c->base = c->block + (-(uintptr_t)c->block & (align - 1));
    FH_POISON(c->base, bytes);
    fh_store(&core->words_committed, (chunk_first(core, k) + (size_t)chunk_slots(core, k)) * sizeof *c->words, FH_RELAXED);
    fh_store(&core->base_committed, core->base_committed + bytes, FH_RELAXED);
    return FH_DONE;
}

fh_status fh_pool_commit(fh_pool_core *core, uint32_t capacity) {
    uint64_t slots = slots_for(core, capacity);
    for (unsigned k = 0; k < chunk_count(core) && chunk_first(core, k) < slots; k++)
        if (core->chunks[k].block == NULL)
            FH_TRY(chunk_make(core, k)); /* chunks made before the failing one serve the next try */
    publish(core, (uint32_t)slots, capacity);
    return FH_DONE;
}

size_t fh_pool_uncommit(fh_pool_core *core, uint32_t capacity) {
    size_t before = core->base_committed;
    for (unsigned k = 1; k < chunk_count(core); k++)
        if (core->chunks[k].block != NULL && chunk_first(core, k) >= capacity)
            chunk_end_slots(core, k);
    if (core->base_committed == before)
        return 0;
    fh_store(&core->capacity, capacity, FH_RELAXED);
    fh_store(&core->slots, capacity, FH_RELEASE);
    return before - core->base_committed;
}

void fh_pool_region_close(fh_pool_core *core) {
    for (unsigned k = 0; k < chunk_count(core); k++) {
        if (core->chunks[k].block != NULL)
            chunk_end_slots(core, k);
        fh_free(core->allocator, core->chunks[k].words);
    }
}

#else

fh_status fh_pool_region_open(fh_pool_core *core) {
    uint64_t page = fh_os_page_bytes(), align = core->config.align_bytes > page ? core->config.align_bytes : page;
    uint64_t slots_max = slots_for(core, core->config.max_capacity), words, base, total;
    uint64_t guard = core->policy->guard_bytes > page ? core->policy->guard_bytes : page; /* whole pages */
    if (slots_max > FH_POOL_SLOTS_MAX || !fh_align_up_u64(slots_max * sizeof *core->words, page, &words) ||
        !fh_mul_u64(slots_max, core->stride, &base) || !fh_align_up_u64(base, page, &base) ||
        !fh_add_u64(base, words + 2 * guard + (align - page), &total) || total > SIZE_MAX / 2)
        return FH_STATUS(FH_NOMEM);
    void *at;
    if (fh_failed(fh_pages_reserve(core->allocator, (size_t)total, &at)))
        return FH_STATUS(FH_NOMEM); /* whatever the system calls a size beyond its addresses */
    FH_UNSAFE("pool-slot");
    core->region = at;
    core->region_bytes = (size_t)total;
    core->words = at;
    uint8_t *base_least = core->region + words + guard;
    core->base = base_least + (-(uintptr_t)base_least & (align - 1));
    core->slots_max = (uint32_t)slots_max;
    return FH_DONE;
}

/* Makes [*committed, bytes rounded up) of a part of the region usable. */
static fh_status extend(fh_pool_core *core, void *part, size_t *committed, uint64_t bytes) {
    uint64_t page = fh_os_page_bytes();
    size_t wanted = (size_t)((bytes + page - 1) & ~(page - 1));
    if (wanted <= *committed)
        return FH_DONE;
    FH_UNSAFE("pool-slot");
    uint8_t *from = (uint8_t *)part + *committed;
    FH_TRY(fh_pages_commit(core->allocator, from, wanted - *committed));
    if (part == core->base && core->is_watched)
        FH_POISON(from, wanted - *committed);
    fh_store(committed, wanted, FH_RELAXED);
    return FH_DONE;
}

fh_status fh_pool_commit(fh_pool_core *core, uint32_t capacity) {
    uint64_t slots = slots_for(core, capacity);
    FH_TRY(extend(core, core->words, &core->words_committed, slots * sizeof *core->words));
    FH_TRY(extend(core, core->base, &core->base_committed, slots * core->stride));
    publish(core, (uint32_t)slots, capacity);
    return FH_DONE;
}

size_t fh_pool_uncommit(fh_pool_core *core, uint32_t capacity) {
    uint64_t page = fh_os_page_bytes();
    size_t kept = (size_t)((capacity * core->stride + page - 1) & ~(page - 1)), bytes = core->base_committed - kept;
    FH_UNSAFE("pool-slot");
    if (kept >= core->base_committed || fh_failed(fh_os_forbid(core->base + kept, bytes)))
        return 0;
    if (core->is_watched) /* a tool remembers addresses: these may be somebody else's after fh_pool_free */
        FH_UNPOISON(core->base + kept, bytes);
    fh_store(&core->base_committed, kept, FH_RELAXED);
    fh_store(&core->capacity, capacity, FH_RELAXED);
    fh_store(&core->slots, capacity, FH_RELEASE);
    return bytes;
}

void fh_pool_region_close(fh_pool_core *core) {
    if (core->region == NULL)
        return;
    if (core->is_watched)
        FH_UNPOISON(core->base, core->base_committed);
    fh_pages_release(core->allocator, core->region, core->region_bytes);
}

#endif
