/* alarms.h: what is due when: timers by number in a heap.
 *
 * Those due at one time come in the order in which they were started. Invariants: the parent of an entry of the heap is not due
 * after it; heap[row.place] names the row; a row is in the heap from its start until it is due or stopped.
 * Threading: one thread at a time. */
#ifndef FH_NET_ALARMS_H
#define FH_NET_ALARMS_H

#include "freehold/net.h"
#include "freehold/pool.h"

typedef struct net_alarm {
    uint64_t due_ns, serial, user;
    size_t place;
} net_alarm;
FH_POOL_DEFINE(net_alarm, net_alarm);

typedef struct fh_alarms {
    fh_ref fh_allocator *allocator;
    fh_owned net_alarm_pool rows;
    fh_owned fh_u64s heap; /* their numbers */
    size_t count;
    uint64_t serial;
} fh_alarms;

/* None yet, and at most `max` at once. FH_NOMEM. */
FH_MUST_USE fh_status fh_alarms_init(fh_owned fh_view(2) fh_alarms *t, fh_ref fh_allocator *a, uint32_t max);
void fh_alarms_deinit(fh_drop fh_alarms *t);
/* One more. FH_EXHAUSTED, FH_NOMEM. */
FH_MUST_USE fh_status fh_alarms_start(fh_mut fh_alarms *t, uint64_t due_ns, uint64_t user, fh_out fh_net_timer *out);
/* One fewer. FH_STALE. */
FH_MUST_USE fh_status fh_alarms_stop(fh_mut fh_alarms *t, fh_net_timer timer);
/* When the first one is due; UINT64_MAX: there is none. */
uint64_t fh_alarms_next_ns(fh_ref const fh_alarms *t);
/* Takes out the first one, if it is due: its number and user. */
bool fh_alarms_take(fh_mut fh_alarms *t, uint64_t now_ns, fh_out fh_net_timer *out, fh_out uint64_t *user);

#endif
