/* ring.c: the single-producer single-consumer ring, all but its two fast paths (ring.h).
 *
 *     slots      0 … capacity − 1; element number k lies in slot k mod capacity
 *     producer   index = tail: elements ever pushed, with FH_RING_CLOSED      written by the producer only
 *     consumer   index = head: elements ever popped                           written by the consumer only
 *
 * Each side keeps what it last saw of the other's index (`seen`), and looks again only when the ring seems full (empty). So
 * while it is neither, a push touches no line that the consumer writes, except the elements'.
 *
 * Invariants:
 *   ring-slot    head ≤ tail ≤ head + capacity. The producer writes slot k only with seen ≤ head and k − seen < capacity, so
 *                element k − capacity has been popped; the consumer reads slot k only with k < seen ≤ tail, so k was pushed.
 *   ring-order   A push stores its element, then releases tail; the consumer acquires tail, then reads: the element is whole.
 *                A pop reads, then releases head; the producer acquires head, then writes: nobody reads there any more. What
 *                `seen` says was acquired when it was read, and indices only grow.
 *   ring-closed  The mark lies in the same word as tail: who sees it sees every push before it.
 *   ring-owner   `thread` goes from 0 to a thread's number by compare-and-swap (acquire), and back to 0 only by that thread
 *                (release): a side has at most one thread, and a successor sees all that was done before it.
 *
 * Threading: see ring.h. */
#include "freehold/ring.h"

#include "freehold/checked.h"

_Static_assert(sizeof(fh_ring_side) == 128, "one side, one pair of lines");
_Static_assert(sizeof(fh_ring) % FH_ALLOC_ALIGN == 0, "the slots that follow keep the alignment of the block");

/* --- life ----------------------------------------------------------------------------------------------------------------- */

fh_status fh_ring_new(fh_allocator *a, size_t element_bytes, uint32_t capacity, fh_ring **out) {
    size_t total;
    *out = NULL;
    if (element_bytes == 0 || capacity == 0 || capacity > FH_RING_CAPACITY_MAX || (capacity & (capacity - 1)) != 0)
        return FH_STATUS(FH_INVALID);
    if (!fh_mul_size(element_bytes, capacity, &total) || !fh_add_size(total, sizeof(fh_ring), &total))
        return FH_STATUS(FH_NOMEM);
    fh_ring *ring = fh_alloc(a, 1, total);
    if (ring == NULL)
        return FH_STATUS(FH_NOMEM);
    ring->allocator = a;
    FH_UNSAFE("ring-slot");
    ring->slots = (uint8_t *)(ring + 1);
    ring->capacity = capacity;
    ring->element_bytes = element_bytes;
    *out = ring;
    return FH_DONE;
}

void fh_ring_free(fh_ring *ring) {
    if (ring != NULL)
        fh_free(ring->allocator, ring);
}

/* --- who a side belongs to ------------------------------------------------------------------------------------------------ */

fh_status fh_ring_claim(fh_ring_side *side) {
    uint64_t nobody = 0;
    return FH_STATUS(fh_cas(&side->thread, &nobody, fh_thread_self(), FH_ACQUIRE) ? FH_OK : FH_WRONG_THREAD);
}

/* Makes sure that a side is the caller's. */
static fh_status own(fh_ring_side *side) {
    return fh_load(&side->thread, FH_RELAXED) == fh_thread_self() ? FH_DONE : fh_ring_claim(side);
}

static bool leave(fh_ring_side *side) {
    if (fh_load(&side->thread, FH_RELAXED) != fh_thread_self())
        return false;
    fh_store(&side->thread, 0, FH_RELEASE);
    return true;
}

fh_status fh_ring_leave(fh_ring *ring) {
    bool producer = leave(&ring->producer), consumer = leave(&ring->consumer);
    return FH_STATUS(producer || consumer ? FH_OK : FH_WRONG_THREAD);
}

fh_status fh_ring_close(fh_ring *ring) {
    FH_TRY(own(&ring->producer));
    fh_store(&ring->producer.index, fh_load(&ring->producer.index, FH_RELAXED) | FH_RING_CLOSED, FH_RELEASE);
    return FH_DONE;
}

/* --- elements ------------------------------------------------------------------------------------------------------------- */

fh_status fh_ring_look_for_room(fh_ring *ring) {
    fh_ring_side *me = &ring->producer;
    uint64_t tail = fh_load(&me->index, FH_RELAXED);
    if ((tail & FH_RING_CLOSED) != 0)
        return FH_STATUS(FH_END);
    FH_WRITES(&me->seen, sizeof me->seen);
    me->seen = fh_load(&ring->consumer.index, FH_ACQUIRE);
    return FH_STATUS(tail - me->seen < ring->capacity ? FH_OK : FH_AGAIN);
}

fh_status fh_ring_look_for_elements(fh_ring *ring) {
    fh_ring_side *me = &ring->consumer;
    uint64_t tail = fh_load(&ring->producer.index, FH_ACQUIRE);
    FH_WRITES(&me->seen, sizeof me->seen);
    me->seen = tail & ~FH_RING_CLOSED;
    if (fh_load(&me->index, FH_RELAXED) != me->seen)
        return FH_DONE;
    return FH_STATUS(tail == me->seen ? FH_AGAIN : FH_END);
}

/* The part of `count` slots from `index` on that lies before the end of the memory. */
/*@ requires \valid_read(ring) && 0 < ring->capacity <= FH_RING_CAPACITY_MAX; assigns \nothing;
    ensures \result <= count && (index & (ring->capacity - 1)) + \result <= ring->capacity;
    ensures count > 0 ==> \result > 0; */
static size_t before_the_end(const fh_ring *ring, uint64_t index, size_t count) {
    uint64_t rest = ring->capacity - (index & (ring->capacity - 1));
    return rest < count ? (size_t)rest : count;
}

static void copy_in(fh_ring *ring, uint64_t index, const uint8_t *elements, size_t count) {
    FH_UNSAFE("ring-slot");
    void *slot = fh_ring_slot_(ring, index, ring->element_bytes);
    FH_WRITES(slot, count * ring->element_bytes);
    __builtin_memcpy(slot, elements, count * ring->element_bytes);
}

static void copy_out(const fh_ring *ring, uint64_t index, uint8_t *elements, size_t count) {
    FH_UNSAFE("ring-slot");
    const void *slot = fh_ring_slot_(ring, index, ring->element_bytes);
    FH_READS(slot, count * ring->element_bytes);
    __builtin_memcpy(elements, slot, count * ring->element_bytes);
}

fh_status fh_ring_push_n(fh_ring *ring, const void *elements, size_t count, size_t *done) {
    fh_ring_side *me = &ring->producer;
    *done = 0;
    if (count == 0)
        return FH_DONE;
    FH_TRY(own(me));
    uint64_t tail = fh_load(&me->index, FH_RELAXED);
    FH_READS(&me->seen, sizeof me->seen);
    if (tail - me->seen >= ring->capacity || ring->capacity - (tail - me->seen) < count)
        FH_TRY(fh_ring_look_for_room(ring));
    uint64_t room = ring->capacity - (tail - me->seen);
    size_t n = room < count ? (size_t)room : count, first = before_the_end(ring, tail, n);
    FH_UNSAFE("ring-slot");
    copy_in(ring, tail, elements, first);
    if (first < n)
        copy_in(ring, tail + first, (const uint8_t *)elements + first * ring->element_bytes, n - first);
    fh_store(&me->index, tail + n, FH_RELEASE);
    *done = n;
    return FH_DONE;
}

fh_status fh_ring_pop_n(fh_ring *ring, void *elements, size_t count, size_t *done) {
    fh_ring_side *me = &ring->consumer;
    *done = 0;
    if (count == 0)
        return FH_DONE;
    FH_TRY(own(me));
    uint64_t head = fh_load(&me->index, FH_RELAXED);
    FH_READS(&me->seen, sizeof me->seen);
    if (me->seen - head < count)
        FH_TRY(fh_ring_look_for_elements(ring));
    uint64_t there = me->seen - head;
    size_t n = there < count ? (size_t)there : count, first = before_the_end(ring, head, n);
    FH_UNSAFE("ring-slot");
    copy_out(ring, head, elements, first);
    if (first < n)
        copy_out(ring, head + first, (uint8_t *)elements + first * ring->element_bytes, n - first);
    fh_store(&me->index, head + n, FH_RELEASE);
    *done = n;
    return FH_DONE;
}

/* --- looking from outside ------------------------------------------------------------------------------------------------- */

uint64_t fh_ring_count(const fh_ring *ring) {
    uint64_t head = fh_load(&ring->consumer.index, FH_ACQUIRE);
    uint64_t tail = fh_load(&ring->producer.index, FH_ACQUIRE) & ~FH_RING_CLOSED;
    return tail - head < ring->capacity ? tail - head : ring->capacity; /* head may have moved since */
}

fh_status fh_ring_check(const fh_ring *ring, fh_err *err) {
    uint64_t head = fh_load(&ring->consumer.index, FH_ACQUIRE);
    uint64_t tail = fh_load(&ring->producer.index, FH_ACQUIRE) & ~FH_RING_CLOSED;
    uint64_t head_seen = ring->producer.seen, tail_seen = ring->consumer.seen;
    if (head > tail || tail - head > ring->capacity || head_seen > head || tail - head_seen > ring->capacity ||
        tail_seen < head || tail_seen > tail)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET,
                       "ring of %llu: popped %llu (seen %llu), pushed %llu (seen %llu)", (unsigned long long)ring->capacity,
                       (unsigned long long)head, (unsigned long long)head_seen, (unsigned long long)tail,
                       (unsigned long long)tail_seen);
    return FH_DONE;
}
