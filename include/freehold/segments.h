/* segments.h: a ring of counted segments: one thread appends at the tail and drops at the head, many threads read.
 *
 *     fh_segment_ring *ring;                                    such as the KV cache of one sequence, or a log with followers
 *     FH_TRY(fh_segment_ring_new(a, &(fh_segment_ring_options){.segment_bytes = 65536, .capacity = 64}, &ring));
 *
 *     fh_mspan room;                                            the writer
 *     FH_TRY(fh_segment_ring_begin(ring, &room));               memory that nobody else sees yet: fill it
 *     FH_TRY(fh_segment_ring_publish(ring));                    from now on it does not change
 *     FH_TRY(fh_segment_ring_drop(ring, 1));                    the oldest one
 *
 *     fh_segment_pin pin;                                       any reader
 *     FH_TRY(fh_segment_ring_pin(ring, from, to, &pin));        FH_STALE when a segment of them was dropped before
 *     FH_TRY(fh_segment_pin_view(&pin, from, &bytes));
 *     FH_TRY(fh_segment_pin_drop(&pin));
 *
 * Segments have positions 0, 1, 2 … (or from `first` on) that are never used twice. A segment that is dropped while pinned
 * can no longer be pinned, but stays readable through the pins it has; the last of them gives its memory back, at once.
 *
 * Threading: begin, publish and drop by one thread at a time (the writer); everything else from any thread. The allocator
 * must serve all of them, as the heap does: a reader may be the one who frees. Ownership: the ring owns its segments; a pin
 * borrows. */
#ifndef FREEHOLD_SEGMENTS_H
#define FREEHOLD_SEGMENTS_H

#include "freehold/alloc.h"

FH_EXTERN_BEGIN

enum { FH_SEGMENT_CAPACITY_MAX = 1 << 20, FH_SEGMENT_PINS_MAX = (1 << 20) - 1 };

/* What a ring is. */
typedef struct fh_segment_ring_options {
    size_t segment_bytes; /* of each segment, at least 1 */
    uint32_t capacity;    /* segments at a time, live and dropped but pinned: a power of two up to FH_SEGMENT_CAPACITY_MAX */
    uint64_t first;       /* the position of the first segment */
} fh_segment_ring_options;

/* The ring. */
typedef struct fh_segment_ring fh_segment_ring;

/* Segments [from, to). */
typedef struct fh_segment_range {
    uint64_t from, to;
} fh_segment_range;

/* A pin on the segments [from, to). A copy of it is the same pin: only one of them may be dropped. */
typedef struct fh_segment_pin {
    fh_segment_ring *ring; /* NULL: no pin */
    uint64_t from, to;
} fh_segment_pin;

/* --- life ----------------------------------------------------------------------------------------------------------------- */

/* An empty ring. FH_INVALID for options out of their limits (`first` from 2^42 × capacity on among them), FH_NOMEM. Memory of
 * segments is allocated as they are begun. */
FH_FALLIBLE fh_segment_ring_new(fh_ref fh_allocator *a, fh_ref const fh_segment_ring_options *options,
                                fh_owned fh_view(1) fh_segment_ring **out);
/* Ends it with its segments. Nobody uses it any more: a pin that is left is a programmer's error and ends the program. NULL is
 * allowed. */
FH_API void fh_segment_ring_free(fh_drop fh_segment_ring *ring);

/* --- the writer ----------------------------------------------------------------------------------------------------------- */

/* The memory of the next segment, zeroed, invisible until it is published; the same again when it was begun before.
 * FH_EXHAUSTED when `capacity` segments are live; FH_BORROWED while the segment that had the place before is pinned still;
 * FH_LIMIT when the positions are used up, at 2^42 × capacity; FH_NOMEM. Valid until: fh_segment_ring_publish. */
FH_FALLIBLE fh_segment_ring_begin(fh_mut fh_segment_ring *ring, fh_out fh_mspan *room);
/* Makes what was begun visible as the segment at the position that was `to`. FH_INVALID when nothing was begun. */
FH_FALLIBLE fh_segment_ring_publish(fh_mut fh_segment_ring *ring);
/* Drops the `count` oldest segments. FH_INVALID when there are not so many; nothing is dropped then. */
FH_FALLIBLE fh_segment_ring_drop(fh_mut fh_segment_ring *ring, uint64_t count);

/* --- readers -------------------------------------------------------------------------------------------------------------- */

/* The live segments, as they were a moment ago: one that was dropped since is FH_STALE to a pin. */
FH_API fh_segment_range fh_segment_ring_range(fh_ref const fh_segment_ring *ring);
/* Pins the segments [from, to), all or none. FH_INVALID for an empty or backward range, one longer than the capacity, and one
 * past all positions; FH_STALE when one of them was dropped; FH_AGAIN when one is not published yet; FH_LIMIT when one has
 * FH_SEGMENT_PINS_MAX pins. */
FH_FALLIBLE fh_segment_ring_pin(fh_ref fh_segment_ring *ring, uint64_t from, uint64_t to, fh_owned fh_segment_pin *out);
/* The bytes of one pinned segment. FH_INVALID outside [from, to); FH_STALE when the pin does not hold it: no pin, or a copy
 * of one that was dropped (which shows as long as nobody else has the segment pinned). Valid until: the pin is dropped. */
FH_FALLIBLE fh_segment_pin_view(fh_ref const fh_segment_pin *pin, uint64_t position, fh_out fh_span *out) fh_view(1);
/* Ends a pin; *pin becomes no pin. FH_DOUBLE_FREE for no pin and for a copy of a dropped one (which shows as above): nothing
 * changes then. */
FH_FALLIBLE fh_segment_pin_drop(fh_drop fh_segment_pin *pin);

/* --- looking from outside ------------------------------------------------------------------------------------------------- */

/* What lies in a ring, true while nobody is at work. */
typedef struct fh_segment_ring_stats {
    uint64_t live;    /* published and not dropped */
    uint64_t ghosts;  /* dropped, but pinned: their memory is still there */
    uint64_t pins;    /* on all of them, one for each segment of a range */
    uint64_t begun;   /* 1 when the writer has begun a segment */
} fh_segment_ring_stats;
FH_API fh_segment_ring_stats fh_segment_ring_stats_get(fh_ref const fh_segment_ring *ring);
/* Every invariant, O(capacity), while nobody is at work: FH_CORRUPT with a report. For tests. */
FH_FALLIBLE fh_segment_ring_check(fh_ref const fh_segment_ring *ring, fh_mut fh_err *err);

FH_EXTERN_END
#endif
