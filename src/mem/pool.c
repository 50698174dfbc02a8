/* pool.c: equal slots reached through handles.
 *
 * A slot has an age: 0 at first, one more at each alloc and at each release, so it is odd exactly while the slot is live. A
 * handle is {seed + age, index} of one life; the seed is even and the pool's own. To check a handle is to subtract the seed and
 * to compare ages:
 *
 *     handle's age = slot's age             the slot, in the very life that the handle was made for
 *     handle's age < slot's age             FH_STALE; at release FH_DOUBLE_FREE if the slot is free and that was its last life
 *     handle's age > slot's age, or even    FH_WRONG_POOL: this pool never made such a handle
 *
 * Seeds of successive pools are multiples of 2^32 / golden ratio, which keep away from each other as evenly as any sequence
 * can: no two of 1,000 pools have seeds nearer than 10^6. So the handle of one pool looks like one of another only when a slot
 * has had nearly a million lives, and even then it is refused as stale unless the very ages meet.
 *
 * Free slots form a queue, first in first out: the slots wear evenly, and a stale handle's slot stays free for long. A slot at
 * the end of its generations is retired instead of queued, so no age is ever used twice.
 *
 *     metadata, one row a slot, apart from the slots, where an overflowing object cannot reach it:   { age, next }
 *
 * Invariants: pool-slot: slot i is [i * stride, i * stride + size_bytes) of one block that never moves; pool-age: age never
 * decreases; pool-count: live + queued + retired = capacity.
 *
 * Threading: one thread at a time; only the counter of pools is shared, and atomic. */
#include "mem/pool_narrow.h"

#include <stdatomic.h>
#include <string.h>

#include "freehold/checked.h"
#include "mem/poison.h"

enum { SMALL_ALIGN = 16 };

#define NO_SLOT UINT32_MAX

typedef struct slot_row {
    uint32_t age, next;
} slot_row;

FH_SPAN_DEFINE(slot_row, slot_row);
FH_ARRAY_DEFINE(slot_row);

struct fh_pool {
    fh_allocator *allocator;
    fh_slot_rows rows;
    uint8_t *slots;
    size_t size_bytes, stride;
    uint32_t seed, age_max; /* a slot that reaches age_max, which is even, is retired */
    uint32_t first_free, last_free;
    fh_pool_stats stats;
};

static _Atomic uint32_t pools_made;

fh_status fh_pool_new_narrow(fh_allocator *a, size_t size_bytes, uint32_t capacity, unsigned bits, fh_pool **out) {
    *out = NULL;
    size_t stride, total;
    if (size_bytes == 0 || capacity == 0 || capacity == NO_SLOT || bits < 3 || bits > 32)
        return FH_STATUS(FH_INVALID);
    if (!fh_align_up_size(size_bytes, size_bytes >= FH_ALLOC_ALIGN ? FH_ALLOC_ALIGN : SMALL_ALIGN, &stride) ||
        !fh_mul_size(stride, capacity, &total))
        return FH_STATUS(FH_NOMEM);
    fh_pool *pool = fh_alloc(a, 1, sizeof *pool);
    if (pool == NULL)
        return FH_STATUS(FH_NOMEM);
    pool->allocator = a;
    pool->size_bytes = size_bytes;
    pool->stride = stride;
    fh_status s = fh_slot_rows_new(a, capacity, &pool->rows);
    pool->slots = fh_failed(s) ? NULL : fh_alloc(a, 1, total);
    if (pool->slots == NULL) {
        fh_slot_rows_free(a, &pool->rows);
        fh_free(a, pool);
        return FH_STATUS(FH_NOMEM);
    }
    FH_POISON(pool->slots, total);
    for (uint32_t i = 0; i < capacity; i++)
        fh_slot_rows_at(pool->rows, i)->next = i + 1 < capacity ? i + 1 : NO_SLOT;
    pool->last_free = capacity - 1;
    uint32_t number = atomic_fetch_add_explicit(&pools_made, 1, memory_order_relaxed);
    pool->seed = (number + 1) * UINT32_C(0x9e3779b9) & ~UINT32_C(1);
    pool->age_max = (uint32_t)((UINT64_C(1) << bits) - 2);
    pool->stats.capacity = capacity;
    *out = pool;
    return FH_DONE;
}

fh_status fh_pool_new(fh_allocator *a, size_t size_bytes, uint32_t capacity, fh_pool **out) {
    return fh_pool_new_narrow(a, size_bytes, capacity, 32, out);
}

void fh_pool_free(fh_pool *pool) {
    if (pool == NULL)
        return;
    FH_UNPOISON(pool->slots, pool->stride * pool->rows.count);
    fh_free(pool->allocator, pool->slots);
    fh_slot_rows_free(pool->allocator, &pool->rows);
    fh_free(pool->allocator, pool);
}

static uint8_t *slot_at(fh_pool *pool, uint32_t i) {
    FH_UNSAFE("pool-slot");
    return pool->slots + i * pool->stride;
}

fh_status fh_pool_alloc(fh_pool *pool, fh_handle *out) {
    *out = (fh_handle){0};
    uint32_t i = pool->first_free;
    if (i == NO_SLOT)
        return FH_STATUS(FH_EXHAUSTED);
    slot_row *row = fh_slot_rows_at(pool->rows, i);
    pool->first_free = row->next;
    if (pool->first_free == NO_SLOT)
        pool->last_free = NO_SLOT;
    row->age++;

    FH_UNSAFE("pool-slot");
    FH_UNPOISON(slot_at(pool, i), pool->size_bytes);
    memset(slot_at(pool, i), 0, pool->size_bytes);
    pool->stats.allocs++;
    pool->stats.live++;
    if (pool->stats.live > pool->stats.peak)
        pool->stats.peak = pool->stats.live;
    *out = (fh_handle){(uint64_t)(uint32_t)(pool->seed + row->age) << 32 | i};
    return FH_DONE;
}

/* The row of a live handle's slot, or why there is none. */
static fh_status look_up(fh_pool *pool, fh_handle h, uint32_t *out_index, slot_row **out) {
    uint32_t i = (uint32_t)h.value, age = (uint32_t)(h.value >> 32) - pool->seed;
    *out_index = i;
    *out = NULL;
    if (h.value == 0)
        return FH_STATUS(FH_STALE);
    if (i >= pool->rows.count || (age & 1) == 0)
        return FH_STATUS(FH_WRONG_POOL);
    *out = fh_slot_rows_at(pool->rows, i);
    if (age == (*out)->age)
        return FH_DONE;
    return FH_STATUS(age < (*out)->age ? FH_STALE : FH_WRONG_POOL);
}

fh_status fh_pool_get(fh_pool *pool, fh_handle h, void **out) {
    uint32_t i;
    slot_row *row;
    *out = NULL;
    fh_status s = look_up(pool, h, &i, &row);
    if (FH_LIKELY(!fh_failed(s)))
        *out = slot_at(pool, i);
    else
        pool->stats.stale_uses += s.code == FH_STALE;
    return s;
}

/* Puts a slot at the end of the queue of free ones. */
static void queue(fh_pool *pool, uint32_t i) {
    fh_slot_rows_at(pool->rows, i)->next = NO_SLOT;
    if (pool->last_free == NO_SLOT)
        pool->first_free = i;
    else
        fh_slot_rows_at(pool->rows, pool->last_free)->next = i;
    pool->last_free = i;
}

fh_status fh_pool_release(fh_pool *pool, fh_handle h) {
    uint32_t i;
    slot_row *row;
    fh_status s = look_up(pool, h, &i, &row);
    if (s.code == FH_STALE && row != NULL && (uint32_t)(h.value >> 32) - pool->seed + 1 == row->age) {
        pool->stats.double_frees++;
        return FH_STATUS(FH_DOUBLE_FREE);
    }
    if (fh_failed(s)) {
        pool->stats.stale_uses += s.code == FH_STALE;
        return s;
    }
    row->age++;
    pool->stats.live--;
    FH_POISON(slot_at(pool, i), pool->stride);
    if (row->age == pool->age_max)
        pool->stats.retired++;
    else
        queue(pool, i);
    return FH_DONE;
}

fh_pool_stats fh_pool_stats_get(const fh_pool *pool) {
    return pool->stats;
}
