/* credit.c: counters of messages under way (credit.h). Threading: credit.h. */
#include "proto/credit.h"

#include "freehold/status.h"

bool fh_credit_open(const fh_credit *c) {
    return c->mark == 0 || c->written - c->told < c->mark;
}

void fh_credit_spend(fh_credit *c) {
    FH_ASSERT(fh_credit_open(c));
    c->written++;
}

bool fh_credit_told(fh_credit *c, uint64_t read) {
    bool was_open = fh_credit_open(c);
    if (read < c->told || read > c->written)
        return false;
    c->told = read;
    return !was_open && fh_credit_open(c);
}

void fh_credit_change(fh_credit *c, uint64_t mark) {
    c->mark = mark;
}

bool fh_debit_read(fh_debit *d) {
    d->read++;
    if (d->mark == 0 || d->read - d->told < (d->mark + 1) / 2)
        return false;
    d->told = d->read;
    return true;
}
