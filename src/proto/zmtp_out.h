/* zmtp_out.h: bytes for the peer: frozen pieces in a row, and behind them a slab where small things are packed.
 *
 *     [ piece | piece | … | piece ] [ pack: filled, room ]
 *       ^ the first `sent` bytes are gone
 *
 * Invariants: filled <= room; sent < the first piece's size, or both are 0; bytes = what is in the pieces - sent + filled.
 * Threading: one thread at a time. */
#ifndef FH_PROTO_ZMTP_OUT_H
#define FH_PROTO_ZMTP_OUT_H

#include "freehold/page.h"
#include "proto/zmtp_list.h"
#include "proto/zmtp_quick.h"

typedef struct fh_zmtp_out_queue {
    fh_ref fh_page_source *pages;
    fh_owned fh_zmtp_list queue;
    fh_owned fh_slab pack;
    size_t room, filled; /* of the pack */
    size_t sent;
    uint64_t bytes;
} fh_zmtp_out_queue;

/* Room for `packed` bytes and `pieces` pieces, in any order: puts and pushes within that cannot fail. FH_NOMEM, FH_EXHAUSTED,
 * FH_LIMIT. */
FH_MUST_USE fh_status fh_zmtp_out_reserve(fh_mut fh_zmtp_out_queue *q, size_t packed, size_t pieces);
/* Packs bytes. */
void fh_zmtp_out_put(fh_mut fh_zmtp_out_queue *q, fh_span bytes);
/* The next `count` bytes of the pack, all to be written before fh_zmtp_out_end; then they are packed. */
fh_mspan fh_zmtp_out_begin(fh_mut fh_zmtp_out_queue *q, size_t count) fh_view(1);
void fh_zmtp_out_end(fh_mut fh_zmtp_out_queue *q, size_t count);
/* A piece of its own, behind what is packed. */
void fh_zmtp_out_push(fh_mut fh_zmtp_out_queue *q, fh_move fh_bytes bytes);
/* Makes what is packed a piece. FH_NOMEM. */
FH_MUST_USE fh_status fh_zmtp_out_show(fh_mut fh_zmtp_out_queue *q);
/* The first `count` bytes of the pieces were sent; FH_INVALID when there are not so many. */
FH_MUST_USE fh_status fh_zmtp_out_advance(fh_mut fh_zmtp_out_queue *q, size_t count);
/* Drops everything. */
void fh_zmtp_out_deinit(fh_drop fh_zmtp_out_queue *q);

#endif
