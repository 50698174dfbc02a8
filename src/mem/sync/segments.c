/* segments.c: the ring of counted segments (segments.h).
 *
 * A segment's position p lies in slot p mod capacity. All that several threads change is the slot's word:
 *
 *     63 … 21  lap       1 + p / capacity of the last position published here; 0 at first
 *          20  dropped   1: free, or dropped and still pinned
 *     19 …  0  pins      readers that hold it
 *
 *     publish   (lap − 1, dropped, 0) → (lap, –, 0)           store, release          writer
 *     pin       (lap, –, n)           → (lap, –, n + 1)       compare-and-swap        reader
 *     drop      (lap, –, n)           → (lap, dropped, n)     fetch-or                writer
 *     unpin     (lap, –/dropped, n)   → (lap, –/dropped, n−1) compare-and-swap        reader
 *
 * Invariants:
 *   segment-last   The memory of a life is freed by the one operation that makes its word (lap, dropped, 0): the drop that
 *                  finds 0 pins, or else the unpin that finds (lap, dropped, 1). Only the publish of the next lap leads out
 *                  of that word, and no pin out of `dropped`: so there is exactly one such operation a life, and it leaves no
 *                  pin behind.
 *   segment-life   A pin compares the whole word, lap included, with what it has checked, and laps only grow: it never counts
 *                  in another life, however late it is.
 *   segment-order  Publish releases the bytes and `at`, a pin acquires them; from another pin too, for each is a read-modify-
 *                  write and carries the release on. Every unpin releases its reads; the operation that frees acquires them
 *                  all, since it ends the same chain.
 *   segment-slot   `at` is written by the writer only, while the word is (lap, dropped, 0), which it has acquired. A reader
 *                  reads it under its pin, an unpin before its swap: who frees needs the slot no more, the writer may use it.
 *   segment-range  head ≤ tail ≤ head + capacity; the slots of [head, tail) are live with their lap, all others dropped.
 *
 * Threading: see segments.h. */
#include "freehold/segments.h"

#include "freehold/atomic.h"
#include "freehold/checked.h"

enum { LAP_SHIFT = 21, LAPS_LOG2 = 42 };
#define DROPPED (UINT64_C(1) << 20)
#define PINS (DROPPED - 1)

_Static_assert(FH_SEGMENT_PINS_MAX == PINS, "the count has 20 bits");

typedef struct slot {
    uint64_t word;
    uint8_t *at;
} slot;

struct fh_segment_ring {
    fh_allocator *allocator;
    size_t segment_bytes;
    uint64_t capacity, end; /* end: no position from here on */
    uint64_t pad[4];
    uint64_t head, tail; /* written by the writer only */
    uint8_t *begun;      /* the writer's own */
    uint64_t more[5];
    slot slots[];
};

static slot *slot_of(const fh_segment_ring *ring, uint64_t position) {
    FH_UNSAFE("segment-slot");
    return (slot *)(uintptr_t)&ring->slots[position & (ring->capacity - 1)];
}

static uint64_t lap_of(const fh_segment_ring *ring, uint64_t position) {
    return 1 + position / ring->capacity;
}

/* The writer's own view of what it publishes. */
static fh_segment_range written(const fh_segment_ring *ring) {
    return (fh_segment_range){fh_load(&ring->head, FH_RELAXED), fh_load(&ring->tail, FH_RELAXED)};
}

/* --- life ----------------------------------------------------------------------------------------------------------------- */

fh_status fh_segment_ring_new(fh_allocator *a, const fh_segment_ring_options *options, fh_segment_ring **out) {
    size_t total;
    uint64_t capacity = options->capacity;
    *out = NULL;
    if (options->segment_bytes == 0 || capacity == 0 || capacity > FH_SEGMENT_CAPACITY_MAX || (capacity & (capacity - 1)) != 0)
        return FH_STATUS(FH_INVALID);
    if (options->first >= capacity << LAPS_LOG2)
        return FH_STATUS(FH_INVALID);
    if (!fh_mul_size((size_t)capacity, sizeof(slot), &total) || !fh_add_size(total, sizeof(fh_segment_ring), &total))
        return FH_STATUS(FH_NOMEM);
    fh_segment_ring *ring = fh_alloc(a, 1, total);
    if (ring == NULL)
        return FH_STATUS(FH_NOMEM);
    ring->allocator = a;
    ring->segment_bytes = options->segment_bytes;
    ring->capacity = capacity;
    ring->end = capacity << LAPS_LOG2;
    fh_store(&ring->head, options->first, FH_RELAXED);
    fh_store(&ring->tail, options->first, FH_RELAXED);
    for (uint64_t i = 0; i < capacity; i++) { /* as if all positions before `first` had come and gone */
        uint64_t before = lap_of(ring, options->first) - ((i & (capacity - 1)) >= (options->first & (capacity - 1)));
        fh_store(&slot_of(ring, i)->word, before << LAP_SHIFT | DROPPED, FH_RELAXED);
    }
    *out = ring;
    return FH_DONE;
}

void fh_segment_ring_free(fh_segment_ring *ring) {
    if (ring == NULL)
        return;
    fh_segment_range r = written(ring);
    fh_status s = fh_segment_ring_drop(ring, r.to - r.from);
    FH_ASSERT(!fh_failed(s));
    for (uint64_t i = 0; i < ring->capacity; i++)
        FH_ASSERT((fh_load(&slot_of(ring, i)->word, FH_ACQUIRE) & PINS) == 0); /* a pin is left */
    fh_free(ring->allocator, ring->begun);
    fh_free(ring->allocator, ring);
}

/* --- the writer ----------------------------------------------------------------------------------------------------------- */

fh_status fh_segment_ring_begin(fh_segment_ring *ring, fh_mspan *room) {
    *room = (fh_mspan){NULL, 0};
    if (ring->begun == NULL) {
        fh_segment_range r = written(ring);
        if (r.to - r.from == ring->capacity)
            return FH_STATUS(FH_EXHAUSTED);
        if (r.to == ring->end)
            return FH_STATUS(FH_LIMIT);
        if ((fh_load(&slot_of(ring, r.to)->word, FH_ACQUIRE) & PINS) != 0)
            return FH_STATUS(FH_BORROWED);
        ring->begun = fh_alloc(ring->allocator, 1, ring->segment_bytes);
        if (ring->begun == NULL)
            return FH_STATUS(FH_NOMEM);
    }
    *room = (fh_mspan){ring->begun, ring->segment_bytes};
    return FH_DONE;
}

fh_status fh_segment_ring_publish(fh_segment_ring *ring) {
    if (ring->begun == NULL)
        return FH_STATUS(FH_INVALID);
    uint64_t p = written(ring).to;
    slot *s = slot_of(ring, p);
    FH_WRITES(&s->at, sizeof s->at);
    s->at = ring->begun;
    ring->begun = NULL;
    fh_store(&s->word, lap_of(ring, p) << LAP_SHIFT, FH_RELEASE);
    fh_store(&ring->tail, p + 1, FH_RELEASE);
    return FH_DONE;
}

fh_status fh_segment_ring_drop(fh_segment_ring *ring, uint64_t count) {
    fh_segment_range r = written(ring);
    if (count > r.to - r.from)
        return FH_STATUS(FH_INVALID);
    for (uint64_t p = r.from; p != r.from + count; p++) {
        slot *s = slot_of(ring, p);
        uint8_t *at = s->at;
        fh_store(&ring->head, p + 1, FH_RELAXED);
        if ((fh_fetch_or(&s->word, DROPPED, FH_ACQUIRE) & PINS) == 0)
            fh_free(ring->allocator, at);
    }
    return FH_DONE;
}

/* --- readers -------------------------------------------------------------------------------------------------------------- */

fh_segment_range fh_segment_ring_range(const fh_segment_ring *ring) {
    uint64_t to = fh_load(&ring->tail, FH_ACQUIRE);
    uint64_t from = fh_load(&ring->head, FH_RELAXED); /* may have passed `to` meanwhile */
    return (fh_segment_range){from < to ? from : to, to};
}

static fh_status pin_one(fh_segment_ring *ring, uint64_t position) {
    slot *s = slot_of(ring, position);
    uint64_t live = lap_of(ring, position) << LAP_SHIFT, word = fh_load(&s->word, FH_RELAXED);
    do {
        if (word < live)
            return FH_STATUS(FH_AGAIN); /* an earlier lap */
        if ((word & ~PINS) != live)
            return FH_STATUS(FH_STALE); /* a later lap, or dropped */
        if ((word & PINS) == FH_SEGMENT_PINS_MAX)
            return FH_STATUS(FH_LIMIT);
    } while (!fh_cas(&s->word, &word, word + 1, FH_ACQUIRE));
    return FH_DONE;
}

/* True if a slot's word says that the position's life is pinned, by whomever. */
static bool is_pinned(const fh_segment_ring *ring, uint64_t position, uint64_t word) {
    return word >> LAP_SHIFT == lap_of(ring, position) && (word & PINS) != 0;
}

static bool unpin_one(fh_segment_ring *ring, uint64_t position) {
    slot *s = slot_of(ring, position);
    uint64_t word = fh_load(&s->word, FH_RELAXED);
    uint8_t *at;
    do {
        if (!is_pinned(ring, position, word))
            return false;
        FH_READS(&s->at, sizeof s->at);
        at = s->at;
    } while (!fh_cas(&s->word, &word, word - 1, FH_ACQ_REL));
    if ((word & (DROPPED | PINS)) == (DROPPED | 1))
        fh_free(ring->allocator, at);
    return true;
}

fh_status fh_segment_ring_pin(fh_segment_ring *ring, uint64_t from, uint64_t to, fh_segment_pin *out) {
    *out = (fh_segment_pin){NULL, 0, 0};
    if (from >= to || to - from > ring->capacity || to > ring->end)
        return FH_STATUS(FH_INVALID);
    for (uint64_t p = from; p != to; p++) {
        fh_status s = pin_one(ring, p);
        if (fh_failed(s)) {
            while (p != from) {
                bool held = unpin_one(ring, --p);
                FH_ASSERT(held); /* it was pinned above */
            }
            return s;
        }
    }
    *out = (fh_segment_pin){ring, from, to};
    return FH_DONE;
}

fh_status fh_segment_pin_view(const fh_segment_pin *pin, uint64_t position, fh_span *out) {
    *out = (fh_span){NULL, 0};
    if (pin->ring == NULL)
        return FH_STATUS(FH_STALE);
    if (position < pin->from || position >= pin->to)
        return FH_STATUS(FH_INVALID);
    slot *s = slot_of(pin->ring, position);
    if (!is_pinned(pin->ring, position, fh_load(&s->word, FH_RELAXED)))
        return FH_STATUS(FH_STALE);
    FH_READS(&s->at, sizeof s->at);
    *out = (fh_span){s->at, pin->ring->segment_bytes};
    return FH_DONE;
}

fh_status fh_segment_pin_drop(fh_segment_pin *pin) {
    fh_segment_pin p = *pin;
    if (p.ring == NULL)
        return FH_STATUS(FH_DOUBLE_FREE);
    for (uint64_t i = p.from; i != p.to; i++)
        if (!is_pinned(p.ring, i, fh_load(&slot_of(p.ring, i)->word, FH_RELAXED)))
            return FH_STATUS(FH_DOUBLE_FREE);
    for (uint64_t i = p.from; i != p.to; i++)
        if (!unpin_one(p.ring, i)) /* a copy was faster; it is so at the first one, or not at all */
            return FH_STATUS(FH_DOUBLE_FREE);
    *pin = (fh_segment_pin){NULL, 0, 0};
    return FH_DONE;
}

/* --- looking from outside ------------------------------------------------------------------------------------------------- */

fh_segment_ring_stats fh_segment_ring_stats_get(const fh_segment_ring *ring) {
    fh_segment_range r = written(ring);
    fh_segment_ring_stats stats = {.live = r.to - r.from, .begun = ring->begun != NULL};
    for (uint64_t i = 0; i < ring->capacity; i++) {
        uint64_t word = fh_load(&slot_of(ring, i)->word, FH_ACQUIRE);
        stats.pins += word & PINS;
        stats.ghosts += (word & DROPPED) != 0 && (word & PINS) != 0;
    }
    return stats;
}

fh_status fh_segment_ring_check(const fh_segment_ring *ring, fh_err *err) {
    uint64_t head = written(ring).from, tail = written(ring).to;
    if (head > tail || tail - head > ring->capacity || tail > ring->end)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "segments [%llu, %llu) in a ring of %llu", (unsigned long long)head,
                       (unsigned long long)tail, (unsigned long long)ring->capacity);
    for (uint64_t i = 0; i < ring->capacity; i++) {
        uint64_t p = head + i, word = fh_load(&slot_of(ring, p)->word, FH_ACQUIRE);
        uint64_t expected = p < tail ? lap_of(ring, p) << LAP_SHIFT : (lap_of(ring, p) - 1) << LAP_SHIFT | DROPPED;
        if ((word & ~PINS) != expected)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "segment %llu of [%llu, %llu): word %llx, expected %llx",
                           (unsigned long long)p, (unsigned long long)head, (unsigned long long)tail,
                           (unsigned long long)(word & ~PINS), (unsigned long long)expected);
    }
    return FH_DONE;
}
