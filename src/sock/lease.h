/* lease.h: who drives a connection: the I/O thread, or the thread of its socket (drive.h); one word that both have.
 *
 *     IO -> WANTED -> TAKEN -> LENT <-> BUSY, ALONE        wanted, lent, driven in a call, and in the next one
 *     LENT -> TAKEN -> IO, LENT                            the I/O thread takes back what rests, or drives it for a moment
 *     BUSY, ALONE, LENT -> RETURNED -> TAKEN -> IO         the socket gives it back
 *     WANTED -> IO;  TAKEN -> SPURNED -> IO                it does not want it any more
 *
 * Invariants: the connection is the I/O thread's in IO, WANTED, TAKEN and SPURNED, the socket's thread's in BUSY and ALONE, and
 * nobody touches it in LENT and RETURNED. Each change sees all that the last driver did.
 * Threading: the socket's thread, which has the slot, and the I/O thread. A word of zeros is the I/O thread's. */
#ifndef FH_SOCK_LEASE_H
#define FH_SOCK_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "freehold/attrs.h"

typedef struct fh_lease {
    uint32_t state;
    uint32_t drives; /* counts calls that drove */
} fh_lease;

/* --- the socket's thread -------------------------------------------------------------------------------------------------- */

/* It would like to drive. */
void fh_lease_want(fh_ref fh_lease *d);
/* It drives, if the connection is lent. */
FH_MUST_USE bool fh_lease_begin(fh_ref fh_lease *d);
/* It drives no more; `leaves`: the connection goes back. True: the I/O thread is to be told. */
FH_MUST_USE bool fh_lease_end(fh_ref fh_lease *d, bool leaves);
/* It does not drive, and the connection goes back, or is not lent. True as above. */
FH_MUST_USE bool fh_lease_return(fh_ref fh_lease *d);

/* --- the I/O thread ------------------------------------------------------------------------------------------------------- */

bool fh_lease_is_wanted(fh_ref const fh_lease *d);
/* One that is wanted is taken, to be lent. */
FH_MUST_USE bool fh_lease_take(fh_ref fh_lease *d);
/* What was taken was lent, or could not be, and is wanted still; false: it is not, and stays taken. */
FH_MUST_USE bool fh_lease_lend(fh_ref fh_lease *d, bool lent);
/* One that rests is taken. */
FH_MUST_USE bool fh_lease_borrow(fh_ref fh_lease *d);
/* The same, or one that was given back. */
FH_MUST_USE bool fh_lease_recall(fh_ref fh_lease *d);
/* What was taken is home; or not yet, and is to come. */
void fh_lease_home(fh_ref fh_lease *d, bool home);
/* The socket's thread drives, and is not looked after from now on: it tells when it ends. */
FH_MUST_USE bool fh_lease_leave_alone(fh_ref fh_lease *d);
/* How many calls have driven so far; it may have become more. */
uint32_t fh_lease_count(fh_ref const fh_lease *d);

#endif
