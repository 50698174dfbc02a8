/* outbox.h: counted bytes in a row, of which the first have left already: what a connection has to send.
 *
 * A piece stays where it is, and counted, until its last byte has left: the kernel may be reading it.
 *
 * Invariants: pieces.count is 0 or a power of two; count <= pieces.count; no piece is empty; bytes is the sum of their sizes.
 * Threading: one thread at a time. */
#ifndef FH_NET_OUTBOX_H
#define FH_NET_OUTBOX_H

#include "freehold/bytes.h"

typedef struct net_piece {
    fh_owned fh_bytes bytes;
} net_piece;
FH_SPAN_DEFINE(net_piece, net_piece);
FH_ARRAY_DEFINE(net_piece);

typedef struct fh_outbox {
    fh_ref fh_allocator *allocator;
    fh_owned fh_net_pieces pieces;
    size_t first, count;
    uint64_t bytes;
} fh_outbox;

/* An empty one. */
void fh_outbox_init(fh_owned fh_view(2) fh_outbox *o, fh_ref fh_allocator *a);
void fh_outbox_deinit(fh_drop fh_outbox *o);
/* Room for one more piece. FH_NOMEM. */
FH_MUST_USE fh_status fh_outbox_reserve(fh_mut fh_outbox *o);
/* Takes bytes over, behind all others; there is room. Empty bytes are dropped. */
void fh_outbox_push(fh_mut fh_outbox *o, fh_move fh_bytes bytes);
/* Piece i of count. */
fh_span fh_outbox_view(fh_ref const fh_outbox *o, size_t i) fh_view(1);
/* The first n bytes have left; there are so many. */
void fh_outbox_advance(fh_mut fh_outbox *o, uint64_t n);
/* The first piece, cut to at most n bytes, leaves; there is one. */
fh_owned fh_bytes fh_outbox_take(fh_mut fh_outbox *o, size_t n);
/* One more reference to the first piece, cut to at most n bytes; there is one. */
fh_owned fh_bytes fh_outbox_share(fh_ref const fh_outbox *o, size_t n);
/* All pieces leave one for another, which is empty. */
void fh_outbox_hand_over(fh_mut fh_outbox *from, fh_mut fh_outbox *to);
/* Drops all. */
void fh_outbox_clear(fh_mut fh_outbox *o);

#endif
