/* monitor.h: what happened to the connections of a socket, in a row that the I/O thread fills and the application empties.
 *
 * Counted: the socket has a handle, and so has each of its endpoints, which may outlive it. At most FH_SOCK_EVENTS_MAX wait;
 * what comes then is counted as lost. Nothing is allocated on the way.
 *
 * Threading: any thread; `lock` is held for a few moves. */
#ifndef FH_SOCK_MONITOR_H
#define FH_SOCK_MONITOR_H

#include "freehold/share.h"
#include "freehold/sock.h"

/* The place of an event. */
typedef struct fh_news_row {
    fh_sock_happening kind;
    int64_t value;
    uint64_t lost;
    fh_owned fh_bytes endpoint;
} fh_news_row;
FH_SPAN_DEFINE(news_row, fh_news_row);
FH_ARRAY_DEFINE(news_row);

typedef struct fh_monitor {
    fh_handles handles;
    fh_ref fh_allocator *allocator;
    uint32_t lock, kinds;
    fh_sock_watcher watcher;      /* `lock`: who is told; happened is NULL: the row keeps it */
    bool is_row;
    fh_owned fh_news_rows events; /* `lock`: those from `first` on, `count` of them, in a ring */
    size_t first, count;
    uint64_t lost;
} fh_monitor;

/* With a watcher whose function is not NULL, that is told, and no row is made. FH_NOMEM. */
FH_MUST_USE fh_status fh_monitor_new(fh_ref fh_allocator *a, uint32_t kinds, fh_sock_watcher watcher,
                                     fh_owned fh_view(1) fh_monitor **out);
/* One handle more; NULL for NULL. */
fh_owned_or_null fh_monitor *fh_monitor_share(fh_ref fh_or_null fh_monitor *m) fh_view(*1);
/* One handle fewer. NULL is allowed. */
void fh_monitor_free(fh_drop fh_monitor *m);

/* The watcher is told no more. NULL is allowed. */
void fh_monitor_mute(fh_mut fh_or_null fh_monitor *m);

/* Something happened. True if it was kept. */
FH_MUST_USE bool fh_monitor_put(fh_mut fh_monitor *m, fh_sock_happening kind, int64_t value, fh_bytes endpoint);
/* The next event. FH_AGAIN: none. */
FH_MUST_USE fh_status fh_monitor_take(fh_mut fh_monitor *m, fh_owned fh_sock_event *out);
/* True if there is one. */
bool fh_monitor_has(fh_mut fh_monitor *m);

#endif
