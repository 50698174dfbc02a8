/* credit.c: counters of messages under way (credit.h). Threading: credit.h. */
#include "proto/credit.h"

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
