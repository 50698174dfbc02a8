/* lease.c: a word with eight states (lease.h). Threading: lease.h. */
#include "sock/lease.h"

#include "freehold/atomic.h"

enum { IO, WANTED, TAKEN, SPURNED, LENT, BUSY, ALONE, RETURNED };

/* True if the state was `from`; it is `to` now. */
static bool change(fh_ref fh_lease *d, uint32_t from, uint32_t to) {
    return fh_cas(&d->state, &from, to, FH_ACQ_REL);
}

/* --- the socket's thread -------------------------------------------------------------------------------------------------- */

void fh_lease_want(fh_lease *d) {
    (void)change(d, IO, WANTED);
}

bool fh_lease_begin(fh_lease *d) {
    if (!change(d, LENT, BUSY))
        return false;
    fh_store(&d->drives, fh_load(&d->drives, FH_RELAXED) + 1, FH_RELAXED);
    return true;
}

bool fh_lease_end(fh_lease *d, bool leaves) {
    if (!leaves && change(d, BUSY, LENT))
        return false;
    fh_store(&d->state, RETURNED, FH_RELEASE);
    return true;
}

bool fh_lease_return(fh_lease *d) {
    for (;;) {
        uint32_t state = fh_load(&d->state, FH_RELAXED);
        if (state == LENT && change(d, LENT, RETURNED))
            return true;
        if (state == WANTED ? change(d, WANTED, IO) : state == TAKEN ? change(d, TAKEN, SPURNED) : state != LENT)
            return false;
    }
}

/* --- the I/O thread ------------------------------------------------------------------------------------------------------- */

bool fh_lease_is_wanted(const fh_lease *d) {
    return fh_load(&d->state, FH_RELAXED) == WANTED;
}

bool fh_lease_take(fh_lease *d) {
    return change(d, WANTED, TAKEN);
}

bool fh_lease_lend(fh_lease *d, bool lent) {
    return change(d, TAKEN, lent ? LENT : WANTED);
}

bool fh_lease_borrow(fh_lease *d) {
    return change(d, LENT, TAKEN);
}

bool fh_lease_recall(fh_lease *d) {
    return change(d, LENT, TAKEN) || change(d, RETURNED, TAKEN);
}

void fh_lease_home(fh_lease *d, bool home) {
    fh_store(&d->state, home ? IO : RETURNED, FH_RELAXED); /* from either it is this thread that goes on */
}

bool fh_lease_leave_alone(fh_lease *d) {
    return change(d, BUSY, ALONE);
}

uint32_t fh_lease_count(const fh_lease *d) {
    return fh_load(&d->drives, FH_RELAXED);
}
