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
 * Who puts many in a row adds them, and calls once: then they are seen, and the reader is told if it sleeps. Each side
 * remembers what it last saw of the other, and touches the other's line only when that is used up. A reader that goes on to
 * look while the writer is just ahead takes away lines that the writer is about to write, and slows both to the pace of the
 * caches: who reads much takes what was there when it came (fh_lane_seen), and looks again when it has done something with it.
 *
 * A lane that conflates keeps the newest message only, and is never full: the writer has a slot, the reader has one, and the
 * third lies between them and changes hands by exchange.
 *
 * Invariants: read <= written <= read + mark; mark <= slots; slot i mod slots is the writer's for i >= written, the reader's
 * for i < written. Of a lane that conflates: writer's, reader's and between's slots are three.
 * Threading: one writer and one reader, each one thread at a time. */
#ifndef FH_SOCK_LANE_H
#define FH_SOCK_LANE_H

#include "freehold/atomic.h"
#include "freehold/sock.h"
#include "proto/credit.h"
#include "sock/part.h"

enum { FH_LANE_MARK_MAX = FH_SOCK_MARK_MAX };
#define FH_LANE_CONFLATES UINT32_MAX /* a mark: only the newest message is kept */

typedef struct fh_lane {
    fh_owned fh_messages slots; /* a power of two of them */
    fh_ref fh_allocator *allocator;
    bool conflates;
    uint32_t between;           /* of a lane that conflates: the slot that nobody has, and whether its message is news */
    uint32_t mine, theirs;      /* the writer's slot, and the reader's */
    uint64_t pad[8];
    uint64_t written; /* the writer's line: what the reader may see of credit.written */
    uint32_t reader_awake;
    uint32_t ended;   /* the writer is gone: what is there is all */
    fh_credit credit;
    uint64_t pad_[8];
    uint64_t told;    /* the reader's: what the writer may know to be read */
    uint32_t writer_awake;
    uint64_t seen;    /* of `written` */
    fh_debit debit;
} fh_lane;

/* What a reader finds. */
typedef enum fh_lane_state { FH_LANE_EMPTY, FH_LANE_MESSAGE, FH_LANE_ENDED } fh_lane_state;

/* An empty one, with room for `mark` messages; 0, and what is above, means FH_LANE_MARK_MAX; or FH_LANE_CONFLATES. FH_NOMEM. */
FH_MUST_USE fh_status fh_lane_init(fh_owned fh_view(2) fh_lane *l, fh_ref fh_allocator *a, uint32_t mark);
/* Drops what is in it. */
void fh_lane_deinit(fh_drop fh_lane *l, fh_ref fh_allocator *a);

/* What the functions below leave to lane.c: lanes that conflate, and going to sleep. */
FH_MUST_USE bool fh_lane_find_room(fh_mut fh_lane *l);
void fh_lane_add_parts(fh_mut fh_lane *l, fh_mut fh_message *m);
FH_MUST_USE fh_lane_state fh_lane_find(fh_mut fh_lane *l);
FH_MUST_USE bool fh_lane_find_more(fh_mut fh_lane *l);
void fh_lane_pop_parts(fh_mut fh_lane *l, fh_owned fh_message *m, fh_out bool *tell);

static inline fh_message *fh_lane_slot(fh_mut fh_lane *l, uint64_t index) fh_view(1) {
    return fh_messages_at(l->slots, (size_t)index & (l->slots.count - 1));
}

/* The writer: true if there is room. After a false the reader tells when there is. */
FH_MUST_USE static inline bool fh_lane_is_open(fh_mut fh_lane *l) {
    return FH_LIKELY(fh_credit_open(&l->credit)) || fh_lane_find_room(l);
}

/* The writer: puts a message of one part in, for which there is room, in a lane that does not conflate. It is seen after the
 * fh_lane_call that has to follow. */
static inline void fh_lane_add_part(fh_mut fh_lane *l, fh_move fh_bytes part) {
    FH_ASSERT(!l->conflates);
    FH_WRITES(fh_lane_slot(l, l->credit.written), sizeof(fh_message));
    fh_message_fill(fh_lane_slot(l, l->credit.written), part);
    fh_credit_spend(&l->credit);
}

/* The writer, behind what it has added: true: tell the reader. */
FH_MUST_USE static inline bool fh_lane_call(fh_mut fh_lane *l) {
    fh_store(&l->written, l->credit.written, FH_RELEASE);
    return fh_exchange(&l->reader_awake, 1, FH_ACQ_REL) == 0;
}

/* The same with any message, in any lane; *m has no parts afterwards. */
static inline void fh_lane_add(fh_mut fh_lane *l, fh_mut fh_message *m) {
    if (FH_LIKELY(!l->conflates && fh_message_is_part(m)))
        fh_lane_add_part(l, fh_message_empty(m));
    else
        fh_lane_add_parts(l, m);
}

/* The writer: adds a message and calls. True: tell the reader. */
FH_MUST_USE static inline bool fh_lane_put(fh_mut fh_lane *l, fh_mut fh_message *m) {
    fh_lane_add(l, m);
    return fh_lane_call(l);
}

/* The writer: this was all. True: tell the reader. */
FH_MUST_USE bool fh_lane_end(fh_mut fh_lane *l);

/* The reader: true if there is a message among those that it has seen; how many there are, of a lane that does not conflate. */
FH_MUST_USE static inline bool fh_lane_seen(fh_ref const fh_lane *l) {
    return l->seen != l->debit.read;
}
static inline uint64_t fh_lane_count(fh_ref const fh_lane *l) {
    return l->seen - l->debit.read;
}

/* The reader: true if there is a message. After a false the writer need not tell of more: look again. */
FH_MUST_USE static inline bool fh_lane_peek(fh_mut fh_lane *l) {
    return FH_LIKELY(fh_lane_seen(l)) || fh_lane_find_more(l);
}

/* The reader: true if the writer has gone, and all was read. It is no fh_lane_look: that one's FH_LANE_MESSAGE has to be taken
 * up, since the writer may not tell of it. */
FH_MUST_USE static inline bool fh_lane_is_over(fh_mut fh_lane *l) {
    return fh_load(&l->ended, FH_ACQUIRE) != 0 && !fh_lane_peek(l);
}

/* The reader: what there is. After FH_LANE_EMPTY the writer tells of more; what FH_LANE_MESSAGE says it may not tell. */
static inline fh_lane_state fh_lane_look(fh_mut fh_lane *l) {
    return FH_LIKELY(fh_lane_seen(l)) ? FH_LANE_MESSAGE : fh_lane_find(l);
}

/* The reader: the next message, in place; there is one. Valid until: fh_lane_pop. */
static inline fh_message *fh_lane_first(fh_mut fh_lane *l) fh_view(1) {
    return fh_lane_slot(l, l->conflates ? l->theirs : l->debit.read);
}

/* The reader: one more was taken; true: the writer is to be told. */
FH_MUST_USE bool fh_lane_tell_read(fh_mut fh_lane *l);

/* The reader: the only part of it, of a lane that does not conflate; as fh_lane_pop. */
static inline fh_owned fh_bytes fh_lane_pop_part(fh_mut fh_lane *l, fh_mut bool *tell) {
    FH_ASSERT(!l->conflates);
    FH_WRITES(fh_lane_slot(l, l->debit.read), sizeof(fh_message)); /* it is emptied */
    fh_bytes part = fh_message_empty(fh_lane_slot(l, l->debit.read));
    if (fh_debit_read(&l->debit))
        *tell = fh_lane_tell_read(l) || *tell;
    return part;
}

/* The reader: takes it. *tell: the writer is to be told. */
static inline void fh_lane_pop(fh_mut fh_lane *l, fh_owned fh_message *m, fh_out bool *tell) {
    *tell = false;
    if (FH_LIKELY(!l->conflates && fh_message_is_part(fh_lane_first(l)))) {
        fh_message_begin(m, fh_lane_pop_part(l, tell));
    } else {
        fh_lane_pop_parts(l, m, tell);
    }
}

/* The reader will not read any more: what is said to the writer is said for the last time. True: tell it. */
FH_MUST_USE bool fh_lane_leave(fh_mut fh_lane *l);
/* Either side: true once the writer has ended it. */
static inline bool fh_lane_has_ended(fh_ref const fh_lane *l) {
    return fh_load(&l->ended, FH_ACQUIRE) != 0;
}

#endif
