/* zmtp_in.h: what was received and is not used up, and the bytes of a frame's body that are there already.
 *
 * Invariants: at <= fed.size; have <= room, the slab has `have` bytes filled and room for room - have more; have > 0 only while
 * a body is gathered; the stock is empty unless something is fed. So much of a body is reserved: at most twice what of it has
 * arrived, or GRAIN_BYTES.
 * Threading: one thread at a time. */
#ifndef FH_PROTO_ZMTP_IN_H
#define FH_PROTO_ZMTP_IN_H

#include "freehold/page.h"
#include "mem/stock.h"

typedef struct fh_zmtp_in {
    fh_ref fh_page_source *pages;
    fh_owned fh_bytes fed;
    size_t at; /* of `fed` that is used up */
    fh_owned fh_stock stock; /* of references to its parts */
    fh_owned fh_slab slab;
    size_t have, room; /* on the slab; room 0: there is none */
    bool io;           /* the slab's room is out */
} fh_zmtp_in;

/* Ends a slab, if it is one. */
void fh_zmtp_slab_end(fh_mut fh_page_source *pages, fh_drop fh_slab *slab);

/* Takes the bytes over; FH_BORROWED while there are some. *bytes becomes empty exactly if they were taken. */
FH_MUST_USE fh_status fh_zmtp_in_feed(fh_mut fh_zmtp_in *in, fh_mut fh_bytes *bytes);
/* Copies up to `most` of the next bytes to the start of `to`; how many. */
FH_MUST_USE size_t fh_zmtp_in_copy(fh_mut fh_zmtp_in *in, fh_mspan to, size_t most);
/* The next `size` bytes, as a slice of what was fed if they lie in it, or gathered. FH_AGAIN until all are there; FH_NOMEM,
 * FH_EXHAUSTED, FH_LIMIT: no memory for them. */
FH_MUST_USE fh_status fh_zmtp_in_take(fh_mut fh_zmtp_in *in, size_t size, fh_owned fh_bytes *out);
/* Drops what was fed, if it is used up. */
void fh_zmtp_in_let_go(fh_mut fh_zmtp_in *in);
/* Room for the rest of a body of `size` bytes that is being gathered, and what was written to it. */
FH_MUST_USE fh_status fh_zmtp_in_begin_io(fh_mut fh_zmtp_in *in, size_t size, fh_out fh_view(1) fh_mspan *room);
FH_MUST_USE fh_status fh_zmtp_in_end_io(fh_mut fh_zmtp_in *in, size_t written);
/* Drops everything. */
void fh_zmtp_in_deinit(fh_drop fh_zmtp_in *in);

#endif
