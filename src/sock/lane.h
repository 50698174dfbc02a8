/* lane.h: messages from one socket to one other: a ring between two threads, bounded by its high-water mark.
 *
 *     if (fh_lane_is_open(l) && fh_lane_put(l, &m)) tell the reader;        the writer
 *     r = fh_lane_look(l);                                                  the reader: FH_LANE_MESSAGE …
 *     fh_lane_pop(l, &m, &tell);
 *
 * It is not an fh_ring: that one knows its two threads, and a socket may pass from one thread to another. Here the word of
 * the socket keeps others away (context.h), and the credit of the writer says what room there is.
 *
 * Who sleeps is told, others are not: `reader_awake` is 0 only after the reader has found nothing, put the 0 there, and found
 * nothing once more. Both sides change it by exchange, so the writer's message is seen by the second look, or the writer sees
 * the 0. `writer_awake` is the same for room.
 *
 * A lane that conflates keeps the newest message only, and is never full: the writer has a slot, the reader has one, and the
 * third lies between them and changes hands by exchange.
 *
 * Invariants: read <= written <= read + mark; mark <= slots; slot i mod slots is the writer's for i >= written, the reader's
 * for i < written. Of a lane that conflates: writer's, reader's and between's slots are three.
 * Threading: one writer and one reader, each one thread at a time. */
#ifndef FH_SOCK_LANE_H
#define FH_SOCK_LANE_H

#include "freehold/sock.h"
#include "proto/credit.h"

enum { FH_LANE_MARK_MAX = FH_SOCK_MARK_MAX };
#define FH_LANE_CONFLATES UINT32_MAX /* a mark: only the newest message is kept */

typedef struct fh_lane {
    fh_owned fh_messages slots; /* a power of two of them */
    fh_ref fh_allocator *allocator;
    bool conflates;
    uint32_t between;           /* of a lane that conflates: the slot that nobody has, and whether its message is news */
    uint32_t mine, theirs;      /* the writer's slot, and the reader's */
    uint32_t ended;             /* the writer is gone: what is there is all */
    uint32_t writer_awake, reader_awake;
    uint64_t pad[4];
    uint64_t written; /* the writer's line */
    fh_credit credit;
    uint64_t pad_[4];
    uint64_t told;    /* the reader's: what the writer may know to be read */
    fh_debit debit;
} fh_lane;

/* What a reader finds. */
typedef enum fh_lane_state { FH_LANE_EMPTY, FH_LANE_MESSAGE, FH_LANE_ENDED } fh_lane_state;

/* An empty one, with room for `mark` messages; 0, and what is above, means FH_LANE_MARK_MAX; or FH_LANE_CONFLATES. FH_NOMEM. */
FH_MUST_USE fh_status fh_lane_init(fh_owned fh_view(2) fh_lane *l, fh_ref fh_allocator *a, uint32_t mark);
/* Drops what is in it. */
void fh_lane_deinit(fh_drop fh_lane *l, fh_ref fh_allocator *a);

/* The writer: true if there is room. After a false the reader tells when there is. */
FH_MUST_USE bool fh_lane_is_open(fh_mut fh_lane *l);
/* The writer: puts a message in, for which there is room; *m has no parts afterwards. True: tell the reader. */
FH_MUST_USE bool fh_lane_put(fh_mut fh_lane *l, fh_mut fh_message *m);
/* The writer: this was all. True: tell the reader. */
FH_MUST_USE bool fh_lane_end(fh_mut fh_lane *l);

/* The reader: what there is. After FH_LANE_EMPTY the writer tells of more. */
fh_lane_state fh_lane_look(fh_mut fh_lane *l);
/* The reader: the next message, in place; there is one. Valid until: fh_lane_pop. */
fh_message *fh_lane_first(fh_mut fh_lane *l) fh_view(1);
/* The reader: takes it. *tell: the writer is to be told. */
void fh_lane_pop(fh_mut fh_lane *l, fh_owned fh_message *m, fh_out bool *tell);
/* The reader will not read any more: what is said to the writer is said for the last time. True: tell it. */
FH_MUST_USE bool fh_lane_leave(fh_mut fh_lane *l);
/* Either side: true once the writer has ended it. */
bool fh_lane_has_ended(fh_ref const fh_lane *l);

#endif
