/* credit.h: how many messages may be under way to a peer: a high-water mark that both ends keep with counters of their own.
 *
 * The writer counts what it put in, the reader what it took out; the reader tells the writer so each time that half of the
 * mark has gone by, not each time. Invariants: told <= read <= written; written - told <= mark, if there is one, so that
 * never more than `mark` messages wait. Threading: each end has its own; what is told goes from one to the other as a
 * number. */
#ifndef FH_PROTO_CREDIT_H
#define FH_PROTO_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "freehold/status.h"

/* The writer's end. A mark of 0 is none. */
typedef struct fh_credit {
    uint64_t mark, written, told;
} fh_credit;

/* True if one more may be written. */
static inline bool fh_credit_open(fh_ref const fh_credit *c) {
    return c->mark == 0 || c->written - c->told < c->mark;
}
/* One more was written; there was credit. */
static inline void fh_credit_spend(fh_mut fh_credit *c) {
    FH_ASSERT(fh_credit_open(c));
    c->written++;
}
/* The reader has told that it read so many in all; true if that opened what was closed. What cannot be is ignored. */
bool fh_credit_told(fh_mut fh_credit *c, uint64_t read);
/* A new mark; one below what is under way closes until that was read. */
void fh_credit_change(fh_mut fh_credit *c, uint64_t mark);

/* The reader's end. */
typedef struct fh_debit {
    uint64_t mark, read, told;
} fh_debit;

/* One more was read; true if the writer is to be told `read` now. */
static inline bool fh_debit_read(fh_mut fh_debit *d) {
    d->read++;
    if (d->mark == 0 || d->read - d->told < (d->mark + 1) / 2)
        return false;
    d->told = d->read;
    return true;
}

#endif
