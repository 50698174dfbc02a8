/* shakes.h: how many handshakes are under way with each address, of all the I/O threads of a context: who comes from one
 * address may have so many at once, whichever thread each of them is with.
 *
 * Addresses are known by a hash of them and of a secret: two that have the same would share their number.
 *
 * Invariants: rows below `used` have a count that is not 0, and no two of them are of one address.
 * Threading: any thread; the lock is held for one walk over the addresses that shake hands now. One of zeros has no rows. */
#ifndef FH_SOCK_SHAKES_H
#define FH_SOCK_SHAKES_H

#include "freehold/address.h"
#include "freehold/alloc.h"

typedef struct fh_shake_row {
    uint64_t from;
    int64_t count;
} fh_shake_row;
FH_SPAN_DEFINE(shake_row, fh_shake_row);
FH_ARRAY_DEFINE(shake_row);

typedef struct fh_shakes {
    uint32_t lock;
    uint64_t secret;
    fh_owned fh_shake_rows rows;
    size_t used;
} fh_shakes;

/* A table for at most so many handshakes at once. FH_NOMEM. */
FH_MUST_USE fh_status fh_shakes_init(fh_owned fh_shakes *d, fh_ref fh_allocator *a, size_t handshakes_max, uint64_t secret);
void fh_shakes_deinit(fh_drop fh_shakes *d, fh_ref fh_allocator *a);
/* A handshake begins; `most` of one address may be under way, 0: any number. The port does not count, and all local sockets are
 * one address. FH_LIMIT. */
FH_MUST_USE fh_status fh_shakes_enter(fh_mut fh_shakes *d, fh_ref const fh_address *from, int64_t most);
/* One that began is over. */
void fh_shakes_leave(fh_mut fh_shakes *d, fh_ref const fh_address *from);

#endif
