/* handover.h: connections that one I/O thread has accepted and another one is to serve.
 *
 *     fh_handover_put(&other->arrivals, conn, fd);     who accepted; then the other one is woken (io.c)
 *     conn = fh_handover_take(&own->arrivals, &fd);    who serves: NULL when there is none
 *
 * What was put is there at the next take, whatever other threads are in the midst of: who closes a socket relies on that
 * (io.h). So it is a list under a lock, and no fh_queue, where one that is being put hides those behind it.
 *
 * Invariants: a connection is in one list, or is one thread's. Threading: any number of those who put, one who takes; each sees
 * all that was done with a connection before it was put. A list of zeros is empty. */
#ifndef FH_SOCK_HANDOVER_H
#define FH_SOCK_HANDOVER_H

#include <stdint.h>

#include "freehold/attrs.h"

typedef struct fh_conn fh_conn;

typedef struct fh_handover {
    uint32_t lock;
    fh_owned_or_null fh_conn *first;
} fh_handover;

void fh_handover_put(fh_mut fh_handover *h, fh_move fh_conn *c, int descriptor);
fh_owned_or_null fh_conn *fh_handover_take(fh_mut fh_handover *h, fh_out int *descriptor);

#endif
