/* ring.h: a bounded queue of equal elements from one thread to one other, without a lock.
 *
 *     FH_RING_DEFINE(job, struct job);                          job_ring, job_ring_push, job_ring_pop …
 *
 *     job_ring ring;
 *     FH_TRY(job_ring_new(a, 1024, &ring));
 *     fh_status s = job_ring_push(ring, &j);                    one thread: FH_AGAIN when full
 *     fh_status s = job_ring_pop(ring, &j);                     one thread: FH_AGAIN when empty, FH_END when closed and empty
 *
 * Elements are copied. A push that is refused has taken nothing: the caller still has the element. `give` is the push for
 * elements that own something: *item becomes zero exactly if the ring took it.
 *
 * Threading: the first thread that pushes is the producer, the first that pops is the consumer (it may be the same thread).
 * Another one is refused with FH_WRONG_THREAD, until the side is left (fh_ring_leave). The other functions say who may call
 * them. Ownership: the ring owns its memory; what elements own goes with the elements: pop them before fh_ring_free. */
#ifndef FREEHOLD_RING_H
#define FREEHOLD_RING_H

#include "freehold/alloc.h"
#include "freehold/atomic.h"

FH_EXTERN_BEGIN

enum { FH_RING_CAPACITY_MAX = 1 << 30 };

/* What one thread writes, two cache lines from what the other writes: processors fetch lines in pairs. */
typedef struct fh_ring_side {
    uint64_t index;   /* elements pushed (with FH_RING_CLOSED), or popped; the other side reads it */
    uint64_t seen;    /* the other side's index when this side last looked, without FH_RING_CLOSED; private */
    uint64_t thread;  /* who this side belongs to; 0: nobody yet */
    uint64_t pad[13];
} fh_ring_side;

/* The producer sets it in its index. An index has 63 bits to count with, which 100 years at one push a nanosecond do not use.
 * */
#define FH_RING_CLOSED (UINT64_C(1) << 63)

/* Fields are for the functions of this header. */
typedef struct fh_ring {
    fh_ref fh_allocator *allocator;
    uint8_t *slots;
    uint64_t capacity; /* a power of two */
    size_t element_bytes;
    uint64_t pad[12];
    fh_ring_side producer, consumer;
} fh_ring;

/* --- life ----------------------------------------------------------------------------------------------------------------- */

/* A ring of `capacity` elements, a power of two up to FH_RING_CAPACITY_MAX. FH_INVALID for another capacity and for elements of
 * 0 bytes; FH_NOMEM. */
FH_FALLIBLE fh_ring_new(fh_ref fh_allocator *a, size_t element_bytes, uint32_t capacity, fh_owned fh_view(1) fh_ring **out);
/* Ends it, with the elements that are still in it; nobody uses it any more. NULL is allowed. */
FH_API void fh_ring_free(fh_drop fh_ring *ring);
/* Producer: nothing comes after what was pushed. The consumer gets the rest, then FH_END; a later push is FH_END.
 * FH_WRONG_THREAD. */
FH_FALLIBLE fh_ring_close(fh_mut fh_ring *ring);
/* Gives the caller's side or sides up: the next thread that pushes (pops) is the producer (consumer), and sees all that was
 * done here. FH_WRONG_THREAD when neither side is the caller's. */
FH_FALLIBLE fh_ring_leave(fh_mut fh_ring *ring);
/* Elements in it, from any thread: a number that was true at some time during the call if neither side is at work. */
FH_API uint64_t fh_ring_count(fh_ref const fh_ring *ring);
/* Every invariant, while neither side is at work: FH_CORRUPT with a report. For tests. */
FH_FALLIBLE fh_ring_check(fh_ref const fh_ring *ring, fh_mut fh_err *err);

/* --- elements: what the typed functions are made of ----------------------------------------------------------------------- */

/* The roads that are rarely taken. Makes a side that is nobody's the caller's: FH_WRONG_THREAD. */
FH_FALLIBLE fh_ring_claim(fh_mut fh_ring_side *side);
/* Looks where the consumer is: FH_DONE when there is room. */
FH_FALLIBLE fh_ring_look_for_room(fh_mut fh_ring *ring);
/* Looks where the producer is: FH_DONE when there is an element. */
FH_FALLIBLE fh_ring_look_for_elements(fh_mut fh_ring *ring);
/* Pushes the first elements of `count`, as many as there is room for, and at least one: *done says how many. FH_AGAIN, FH_END,
 * FH_WRONG_THREAD; then *done is 0. A count of 0 is done at once. */
FH_FALLIBLE fh_ring_push_n(fh_mut fh_ring *ring, fh_ref const void *elements, size_t count, fh_out size_t *done);
/* Pops as many elements as there are, up to `count`, and at least one. Errors as above. */
FH_FALLIBLE fh_ring_pop_n(fh_mut fh_ring *ring, fh_out void *elements, size_t count, fh_out size_t *done);

/* The place of the element with number `index`. */
static inline void *fh_ring_slot_(const fh_ring *ring, uint64_t index, size_t element_bytes) {
    FH_UNSAFE("ring-slot");
    return ring->slots + (size_t)(index & (ring->capacity - 1)) * element_bytes;
}

/* Pushes one element of ring->element_bytes, which a caller that knows the number gives again. FH_AGAIN when full, FH_END when
 * closed, FH_WRONG_THREAD. */
FH_MUST_USE static inline fh_status fh_ring_push(fh_ring *ring, const void *element, size_t element_bytes) {
    fh_ring_side *me = &ring->producer;
    if (FH_UNLIKELY(fh_load(&me->thread, FH_RELAXED) != fh_thread_self()))
        FH_TRY(fh_ring_claim(me));
    uint64_t tail = fh_load(&me->index, FH_RELAXED);
    FH_READS(&me->seen, sizeof me->seen);
    if (FH_UNLIKELY(tail - me->seen >= ring->capacity)) /* a closed ring looks full: its index is out of reach */
        FH_TRY(fh_ring_look_for_room(ring));
    FH_UNSAFE("ring-slot");
    void *slot = fh_ring_slot_(ring, tail, element_bytes);
    FH_WRITES(slot, element_bytes);
    __builtin_memcpy(slot, element, element_bytes);
    fh_store(&me->index, tail + 1, FH_RELEASE);
    return FH_DONE;
}

/* Pops one element. FH_AGAIN when empty, FH_END when empty for good, FH_WRONG_THREAD; then *element stays as it is. */
FH_MUST_USE static inline fh_status fh_ring_pop(fh_ring *ring, void *element, size_t element_bytes) {
    fh_ring_side *me = &ring->consumer;
    if (FH_UNLIKELY(fh_load(&me->thread, FH_RELAXED) != fh_thread_self()))
        FH_TRY(fh_ring_claim(me));
    uint64_t head = fh_load(&me->index, FH_RELAXED);
    FH_READS(&me->seen, sizeof me->seen);
    if (FH_UNLIKELY(head == me->seen))
        FH_TRY(fh_ring_look_for_elements(ring));
    FH_UNSAFE("ring-slot");
    void *slot = fh_ring_slot_(ring, head, element_bytes);
    FH_READS(slot, element_bytes);
    __builtin_memcpy(element, slot, element_bytes);
    fh_store(&me->index, head + 1, FH_RELEASE);
    return FH_DONE;
}

/* Defines, for a type of elements: NAME_ring with _new, _free, _close, _leave, _count, and
 *     _push(ring, const type *)             _push_n(ring, const type *, count, &done)
 *     _give(ring, type *)                   *item becomes zero exactly if it was taken
 *     _pop(ring, type *)                    _pop_n(ring, type *, count, &done) */
#define FH_RING_DEFINE(name, type)                                                                                    \
    typedef struct name##_ring {                                                                                      \
        fh_owned fh_ring *ring;                                                                                       \
    } name##_ring;                                                                                                    \
    FH_UNUSED FH_MUST_USE static inline fh_status name##_ring_new(fh_ref fh_allocator *a, uint32_t capacity,          \
                                                                  fh_owned fh_view(1) name##_ring *out) {             \
        return fh_ring_new(a, sizeof(type), capacity, &out->ring);                                                    \
    }                                                                                                                 \
    FH_UNUSED static inline void name##_ring_free(fh_drop name##_ring r) {                                            \
        fh_ring_free(r.ring);                                                                                         \
    }                                                                                                                 \
    FH_UNUSED FH_MUST_USE static inline fh_status name##_ring_close(name##_ring r) {                                  \
        return fh_ring_close(r.ring);                                                                                 \
    }                                                                                                                 \
    FH_UNUSED FH_MUST_USE static inline fh_status name##_ring_leave(name##_ring r) {                                  \
        return fh_ring_leave(r.ring);                                                                                 \
    }                                                                                                                 \
    FH_UNUSED static inline uint64_t name##_ring_count(name##_ring r) {                                               \
        return fh_ring_count(r.ring);                                                                                 \
    }                                                                                                                 \
    FH_UNUSED FH_MUST_USE static inline fh_status name##_ring_push(name##_ring r, fh_ref const type *fh_item) {       \
        return fh_ring_push(r.ring, fh_item, sizeof(type));                                                           \
    }                                                                                                                 \
    FH_UNUSED FH_MUST_USE static inline fh_status name##_ring_give(name##_ring r, fh_mut type *fh_item) {             \
        fh_status s = fh_ring_push(r.ring, fh_item, sizeof(type));                                                    \
        if (!fh_failed(s))                                                                                            \
            __builtin_memset(fh_item, 0, sizeof *fh_item);                                                            \
        return s;                                                                                                     \
    }                                                                                                                 \
    FH_UNUSED FH_MUST_USE static inline fh_status name##_ring_pop(name##_ring r, fh_out type *fh_item) {              \
        return fh_ring_pop(r.ring, fh_item, sizeof(type));                                                            \
    }                                                                                                                 \
    FH_UNUSED FH_MUST_USE static inline fh_status name##_ring_push_n(name##_ring r, fh_ref const type *fh_items,      \
                                                                     size_t count, fh_out size_t *done) {             \
        return fh_ring_push_n(r.ring, fh_items, count, done);                                                         \
    }                                                                                                                 \
    FH_UNUSED FH_MUST_USE static inline fh_status name##_ring_pop_n(name##_ring r, fh_out type *fh_items,             \
                                                                    size_t count, fh_out size_t *done) {              \
        return fh_ring_pop_n(r.ring, fh_items, count, done);                                                          \
    }                                                                                                                 \
    struct name##_ring

FH_EXTERN_END
#endif
