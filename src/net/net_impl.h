/* net_impl.h: what the loop (net.c) and its engines share.
 *
 * The loop keeps what was asked for in rows, one a socket, and tells its engine of a row once, by putting it on the list of
 * those that are `due`. The engine, in its wait, does what it can of it, and reports what came of it with the fh_net_did_
 * calls; those mark the row and put it on the list of those that are `ready`, from which fh_net_next makes events. So nothing
 * is allocated on the way from the kernel to the caller, and one row has at most one event of each kind.
 *
 * Rows lie in a pool: they never move, and the number of one that is gone is found out.
 *
 * Threading: one thread at a time. */
#ifndef FH_NET_IMPL_H
#define FH_NET_IMPL_H

#include "freehold/net.h"
#include "freehold/pool.h"
#include "net/alarms.h"
#include "net/outbox.h"
#include "os/uring.h"

typedef enum net_state { NET_CONNECTING, NET_OPEN, NET_LISTENING, NET_CLOSING, NET_GONE } net_state;
typedef enum net_want { NET_NOTHING, NET_PAGE, NET_ROOM } net_want;

/* Events that a row has, as bits. They are told in this order. */
enum {
    NET_HAS_ACCEPTED = 1,
    NET_HAS_FAILED_ACCEPT = 2,
    NET_HAS_CONNECTED = 4,
    NET_HAS_RECEIVED = 8,
    NET_HAS_FILLED = 16,
    NET_HAS_SENT = 32,
    NET_HAS_CLOSED = 64,
};

/* Operations of a row that the kernel may have, at most one of each kind, as bits (net_uring.c). */
enum { NET_DOES_ACCEPT = 1, NET_DOES_CONNECT = 2, NET_DOES_RECEIVE = 4, NET_DOES_SEND = 8 };

/* How an operation ended: a status, and errno's number. */
typedef struct net_result {
    fh_status status;
    int error;
} net_result;

/* Where received bytes come to, one behind the other: the room of a slab, which is lent to the kernel, or not. */
typedef struct net_buffer {
    fh_owned fh_slab slab;
    bool is_lent;
} net_buffer;

/* What the simulated network knows of an end of a connection (net_sim.c). */
typedef struct net_sim_end {
    fh_net_socket peer;
    fh_address address, peer_address;
    uint64_t connect_ns, send_ns, receive_ns, close_ns; /* when each is done; UINT64_MAX: not under way */
    uint64_t arrived_ns;                                           /* what is in `in` can be received from then on */
    fh_outbox in;
    bool ended, reset; /* by the peer; by the peer or fate */
} net_sim_end;

typedef struct net_row {
    net_state state;
    int fd;
    uint64_t user;
    uint32_t events, ready_for; /* NET_HAS_…; FH_OS_READABLE … as far as we know */
    uint32_t in_flight;         /* NET_DOES_…: what the kernel does by itself now */
    bool is_canceled;           /* … and was told to end */
    bool is_due, is_ready, is_paused; /* on the lists; a listener that waits for a descriptor to become free */
    bool shut, has_shut, is_broken;
    fh_net_socket next_due, next_ready, next, previous, listener;
    net_want want;
    fh_mspan room;
    fh_owned fh_bytes received;
    net_result connected, received_as, sent_as, accepted_as;
    size_t filled, sent;
    fh_owned fh_outbox out;
    fh_address path; /* of a listener whose file is to be removed */
    fh_owned net_sim_end sim;
} net_row;
FH_POOL_DEFINE(net_row, net_row);

typedef struct net_list {
    fh_net_socket first, last;
} net_list;

/* A connection that came when there was no place for it; it gets the next one. */
typedef struct net_held {
    fh_net_socket listener;
    int fd;
} net_held;
FH_SPAN_DEFINE(net_held, net_held);
FH_ARRAY_DEFINE(net_held);

FH_SPAN_DEFINE(net_buffer, net_buffer);
FH_ARRAY_DEFINE(net_buffer);

/* What io_uring needs (net_uring.c). */
typedef struct net_ring {
    fh_owned_or_null fh_uring *ring;
    fh_owned fh_net_buffers buffers;
    fh_owned fh_net_helds held; /* the first held_count */
    size_t held_count, lent_count, buffer_bytes;
    bool oldest, hears; /* nothing newer than Linux 5.19; the bell */
} net_ring;

struct fh_net {
    fh_ref fh_allocator *allocator;
    fh_ref fh_page_source *pages;
    fh_net_options options;
    fh_net_about about;
    fh_owned net_row_pool rows;
    fh_owned fh_alarms alarms;
    net_list due, ready;
    fh_net_socket first;         /* of all rows */
    net_buffer buffer;           /* of engines that receive within a call */
    uint64_t spin_ns;
    uint64_t now_ns, resume_ns; /* resume_ns: when paused listeners try again; UINT64_MAX: there are none */
    uint64_t seen_ready;         /* waits that found events and did not look for others */
    fh_net_stats stats;
    int error;
    int poll, bell;              /* descriptors; -1: none */
    bool is_open;                /* the engine is */
    bool woken;
    fh_owned net_ring ring;
    uint64_t random;             /* of the simulated network: how many numbers were drawn */
    uint16_t port;               /* the next one that nobody has */
};

/* The row of a number that is known to live. */
static inline net_row *net_row_at(net_row_pool rows, fh_net_socket s) {
    net_row *row;
    fh_status status = net_row_get(rows, (net_row_handle){s.value}, &row);
    FH_ASSERT(!fh_failed(status));
    return row;
}
/* True while it lives. */
static inline bool net_row_lives(net_row_pool rows, fh_net_socket s) {
    const net_row *row;
    return !fh_failed(net_row_view(rows, (net_row_handle){s.value}, &row));
}

/* --- of the loop, for engines -------------------------------------------------------------------------------------- */

/* A new row in a state. FH_EXHAUSTED, FH_NOMEM. */
FH_MUST_USE fh_status fh_net_row_new(fh_mut fh_net *net, net_state state, uint64_t user, fh_out fh_net_socket *out);
/* Ends a row that nobody has heard of. */
void fh_net_row_end(fh_mut fh_net *net, fh_net_socket s);
/* The row of a socket that is connected. FH_STALE; FH_INVALID for one that is not. */
FH_MUST_USE fh_status fh_net_row_open(fh_ref const fh_net *net, fh_net_socket s, fh_out fh_view(1) net_row **out);
/* Has the engine look at a row at its next wait, or go on with it. */
void fh_net_due(fh_mut fh_net *net, fh_net_socket s);
/* The first row of the list of those, which leaves it; {0}: none. */
fh_net_socket fh_net_due_take(fh_mut fh_net *net);
/* Takes a row off that list, if it is on it. */
void fh_net_due_end(fh_mut fh_net *net, fh_net_socket s);
/* True if fh_net_next has something. */
bool fh_net_has_events(fh_ref const fh_net *net);
/* How long the engine may wait: until until_ns, a timer or the end of a pause; 0 when there are events. */
uint64_t fh_net_patience_ns(fh_ref const fh_net *net, uint64_t until_ns);

/* Lends the room of a buffer, whose slab is replaced by one of `size_bytes` when little is left. FH_EXHAUSTED, FH_NOMEM. */
FH_MUST_USE fh_status fh_net_buffer_begin(fh_mut fh_page_source *pages, fh_mut net_buffer *b, size_t size_bytes,
                                          fh_out fh_view(1, 2) fh_mspan *room);
/* The room's first n bytes were written; frozen. The room is not lent any more. */
fh_owned fh_bytes fh_net_buffer_end(fh_mut fh_page_source *pages, fh_mut net_buffer *b, size_t n);
/* Nobody writes to it any more: it gives its slab back. */
void fh_net_buffer_clear(fh_mut fh_page_source *pages, fh_mut net_buffer *b);

/* What came of an operation. */
void fh_net_did_accept(fh_mut fh_net *net, fh_net_socket listener, fh_net_socket made);
void fh_net_did_not_accept(fh_mut fh_net *net, fh_net_socket listener, net_result why);
void fh_net_did_connect(fh_mut fh_net *net, fh_net_socket s, net_result how);
void fh_net_did_receive(fh_mut fh_net *net, fh_net_socket s, net_result how, fh_move fh_bytes bytes);
void fh_net_did_fill(fh_mut fh_net *net, fh_net_socket s, net_result how, size_t n);
void fh_net_did_send(fh_mut fh_net *net, fh_net_socket s, net_result how, size_t n);
void fh_net_did_close(fh_mut fh_net *net, fh_net_socket s);

/* --- engines -------------------------------------------------------------------------------------------------------- */

/* What an engine does with a loop, and with a row that is new: errno's number of a refusal goes to net->error. `join` hears of
 * each descriptor that a row gets (a simulated loop has none), and `leave` of one that goes elsewhere; `go_on` does or begins
 * what was asked of a row that is due; `wait` waits once, until until_ns at most; `close` comes when no row has an operation
 * any more. */
typedef struct net_engine {
    fh_status (*open)(fh_mut fh_net *net, fh_mut fh_err *err);
    void (*end)(fh_mut fh_net *net);   /* there are no rows: waits for what the kernel has besides */
    void (*close)(fh_mut fh_net *net);
    fh_status (*listen)(fh_mut fh_net *net, fh_net_socket s, fh_ref const fh_address *address,
                        fh_ref const fh_net_socket_options *options);
    fh_status (*connect)(fh_mut fh_net *net, fh_net_socket s, fh_ref const fh_address *address,
                         fh_ref const fh_net_socket_options *options);
    fh_status (*adopt)(fh_mut fh_net *net, fh_net_socket s, int fd);
    fh_status (*name)(fh_mut fh_net *net, fh_net_socket s, bool peer, fh_out fh_address *out);
    fh_status (*join)(fh_mut fh_net *net, fh_net_socket s, int fd);
    void (*go_on)(fh_mut fh_net *net, fh_net_socket s);
    fh_status (*wait)(fh_mut fh_net *net, uint64_t until_ns);
    fh_status (*rest)(fh_mut fh_net *net, fh_net_socket s); /* until the kernel has no operation of the row */
    void (*leave)(fh_mut fh_net *net, fh_net_socket s);     /* its descriptor goes to another loop */
} net_engine;

extern const net_engine fh_net_epoll_engine, fh_net_uring_engine, fh_net_sim_engine;
/* Ends what io_uring needed, if it did; nothing is under way. */
void fh_net_ring_deinit(fh_ref fh_allocator *a, fh_mut fh_page_source *pages, fh_drop net_ring *r);
/* The one that a loop runs on. */
fh_static const net_engine *fh_net_engine_of(fh_ref const fh_net *net);

/* --- what the engines on the system's sockets share (net_kernel.c) ------------------------------------------------------ */

enum { NET_PIECES_A_CALL = 128 };

/* As net_engine has them; each descriptor is told to its `join`. */
FH_MUST_USE fh_status fh_net_kernel_listen(fh_mut fh_net *net, fh_net_socket s, fh_ref const fh_address *address,
                                           fh_ref const fh_net_socket_options *options);
FH_MUST_USE fh_status fh_net_kernel_connect(fh_mut fh_net *net, fh_net_socket s, fh_ref const fh_address *address,
                                            fh_ref const fh_net_socket_options *options);
FH_MUST_USE fh_status fh_net_kernel_adopt(fh_mut fh_net *net, fh_net_socket s, int fd);
FH_MUST_USE fh_status fh_net_kernel_name(fh_mut fh_net *net, fh_net_socket s, bool peer, fh_out fh_address *out);
/* A connection that was under way is made, or has failed. */
void fh_net_kernel_connected(fh_mut fh_net *net, fh_net_socket s);
/* One call: all pieces, or as many as fit. True if there is more to do now. */
FH_MUST_USE bool fh_net_kernel_send(fh_mut fh_net *net, fh_net_socket s);
/* Ends this side, if that was asked for and nothing waits to be sent. */
void fh_net_kernel_shutdown(fh_mut fh_net *net, fh_net_socket s);
/* Closes; no operation is in flight. */
void fh_net_kernel_close(fh_mut fh_net *net, fh_net_socket s);
/* The first pieces that wait to be sent. */
typedef struct net_pieces {
    fh_span at[NET_PIECES_A_CALL];
    size_t count, bytes;
} net_pieces;
void fh_net_kernel_pieces(fh_ref const net_row *row, fh_out fh_view(1) net_pieces *out);

#endif
