/* turn.h: whose turn it is, among peers that have something or have room: fair queueing of what comes in, and balancing of
 * what goes out (RFC 28, 30: "fair-queuing", "round-robin").
 *
 *     fh_turn_wake(&t, peer);                 it has a message, or room for one
 *     peer = fh_turn_take(&t);                the next one; it goes behind all others
 *     fh_turn_rest(&t, peer);                 it has none any more
 *
 * Invariants: the awake peers are a ring; between two turns of an awake peer each other one that stays awake has exactly
 * one. Threading: one thread at a time. */
#ifndef FH_PROTO_TURN_H
#define FH_PROTO_TURN_H

#include "freehold/alloc.h"

#define FH_NO_PEER UINT32_MAX

typedef struct fh_turn {
    fh_ref fh_allocator *allocator;
    fh_owned fh_u32s next, previous; /* of each peer that is awake; FH_NO_PEER: it is not */
    uint32_t first;                  /* whose turn it is */
    size_t awake;
} fh_turn;

/* An empty one. */
void fh_turn_init(fh_owned fh_view(2) fh_turn *t, fh_ref fh_allocator *a);
void fh_turn_deinit(fh_drop fh_turn *t);
/* Room for peers 0 to count - 1; all are at rest. FH_NOMEM, FH_LIMIT. */
FH_MUST_USE fh_status fh_turn_reserve(fh_mut fh_turn *t, uint32_t count);
/* It gets its turn after all that are awake now. */
void fh_turn_wake(fh_mut fh_turn *t, uint32_t peer);
void fh_turn_rest(fh_mut fh_turn *t, uint32_t peer);
bool fh_turn_is_awake(fh_ref const fh_turn *t, uint32_t peer);
/* Whose turn it is, or FH_NO_PEER; fh_turn_take also makes it the last of the ring. */
static inline uint32_t fh_turn_peek(fh_ref const fh_turn *t) {
    return t->first;
}
static inline uint32_t fh_turn_take(fh_mut fh_turn *t) {
    uint32_t peer = t->first;
    if (peer != FH_NO_PEER)
        t->first = fh_u32s_get(t->next, peer);
    return peer;
}

#endif
