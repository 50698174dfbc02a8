/* handover.c: a list of connections under a lock (handover.h). Threading: handover.h. */
#include "sock/handover.h"

#include "mem/sync/lock.h"
#include "sock/io.h"

static void add(fh_mut fh_handover *h, fh_move fh_conn *c) {
    FH_WRITES(&h->first, sizeof h->first);
    c->next = h->first;
    h->first = c;
}

static fh_owned_or_null fh_conn *take_first(fh_mut fh_handover *h) {
    FH_READS(&h->first, sizeof h->first);
    fh_conn *first = h->first;
    if (first == NULL)
        return NULL;
    FH_WRITES(&h->first, sizeof h->first);
    h->first = first->next;
    first->next = NULL;
    return first;
}

void fh_handover_put(fh_handover *h, fh_conn *c, int descriptor) {
    FH_WRITES(&c->descriptor, sizeof c->descriptor);
    c->descriptor = descriptor;
    fh_lock_take(&h->lock);
    add(h, c);
    fh_lock_give(&h->lock);
}

fh_conn *fh_handover_take(fh_handover *h, int *descriptor) {
    fh_lock_take(&h->lock);
    fh_conn *c = take_first(h);
    fh_lock_give(&h->lock);
    *descriptor = -1;
    if (c == NULL)
        return NULL;
    FH_READS(&c->descriptor, sizeof c->descriptor);
    *descriptor = c->descriptor;
    return c;
}
