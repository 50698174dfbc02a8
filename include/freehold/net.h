/* net.h: sockets as operations that complete: a loop, its sockets and timers, and the events that come of them.
 *
 *     fh_net *net;
 *     fh_net_socket s;
 *     fh_net_event e;
 *     FH_TRY(fh_net_new(a, pages, NULL, &net, err));
 *     FH_TRY(fh_net_connect(net, &address, NULL, user, &s, err));
 *     for (;;) {
 *         (void)fh_net_wait(net, timeout_ns);
 *         while (fh_net_next(net, &e).code == FH_OK) {
 *             if (e.kind == FH_NET_CONNECTED && !fh_failed(e.status))
 *                 FH_TRY(fh_net_receive(net, e.socket));          one receive: e.bytes of an FH_NET_RECEIVED
 *             …
 *             fh_net_event_drop(&e);
 *         }
 *     }
 *
 * There are engines behind one interface, and the program cannot tell them apart but by their speed: io_uring, epoll, and a
 * simulated network that is a function of one seed (fh_net_sim_options).
 *
 * An operation is asked for, and its event says how it ended. Only fh_net_wait does them; whatever was asked for between two
 * waits goes to the kernel together, so pieces that are sent one by one leave in one call.
 *
 * Lifetimes. What the kernel may touch stays where it is until it has said that it is done:
 *   - pieces to send are counted bytes; the loop holds them until they are sent, or the socket is FH_NET_CLOSED;
 *   - received bytes lie on pages, below the mark of what was filled, frozen: bytes received one after the other share a page
 *     without a copy, and stay as long as somebody holds them;
 *   - room of the caller (fh_net_receive_into) is the loop's until FH_NET_FILLED, FH_NET_CLOSED, or the end of fh_net_free;
 *   - a socket's number is stale after FH_NET_CLOSED, which comes when all its operations have come back.
 *
 * Memory: a loop has room for what its options say, and its sockets never move. Calls that fail with FH_NOMEM or FH_EXHAUSTED
 * have changed nothing.
 *
 * Threading: a loop belongs to one thread at a time; fh_net_wake is for all others. */
#ifndef FREEHOLD_NET_H
#define FREEHOLD_NET_H

#include "freehold/address.h"
#include "freehold/page.h"

FH_EXTERN_BEGIN

/* A loop. */
typedef struct fh_net fh_net;
/* A listener or a connection, and a timer, by number; {0} is none. A number whose owner is gone is FH_STALE, always. */
typedef struct fh_net_socket {
    uint64_t value;
} fh_net_socket;
typedef struct fh_net_timer {
    uint64_t value;
} fh_net_timer;

#define FH_NET_FOREVER UINT64_MAX

/* --- engines ------------------------------------------------------------------------------------------------------------ */

/* The engines. */
typedef enum fh_net_engine {
    FH_NET_AUTO,  /* what the environment variable FREEHOLD_NET says: "epoll", "io_uring", or "io_uring-5.19", which uses
                     nothing that Linux 5.19 lacks; else io_uring where the kernel lets us, else epoll. Under Valgrind 3.19
                     choose epoll: it lets no other thread run while one waits in io_uring */
    FH_NET_EPOLL,
    FH_NET_URING, /* FH_UNSUPPORTED where it is forbidden or lacks what Linux 5.19 has: containers forbid it by default */
    FH_NET_SIM,
} fh_net_engine;

/* A network that exists in this loop only. All that happens is a function of the seed and of what is asked for: delays, where
 * streams are cut, who is reset. Time is virtual: it moves in fh_net_wait, to whatever comes next. Zero means the default. */
typedef struct fh_net_sim_options {
    uint64_t seed;
    uint32_t delay_max_us;   /* of one piece on its way; 0 = 1000 */
    uint32_t piece_max;      /* bytes that move at once: a number between 1 and this; 0 = 4096 */
    uint32_t window_bytes;   /* on their way or not received, in one direction; 0 = 64 KiB */
    uint32_t resets_ppm;     /* connections that are reset at some transfer, a million transfers */
    uint32_t refusals_ppm;   /* of a million connects */
    uint32_t accept_fails_ppm; /* of a million accepts: no descriptor was free */
} fh_net_sim_options;

/* Zero means the default. */
typedef struct fh_net_options {
    fh_net_engine engine;
    bool one_thread;      /* a promise: only the thread that waits first will wait, and end the loop (fh_net_end). io_uring
                             has less to do then, and refuses the others: FH_INVALID */
    uint32_t sockets_max; /* at once, below 2^28; 0 = 16,384 */
    uint32_t timers_max;  /* 0 = 16,384 */
    uint32_t pieces_max;  /* that wait at one socket to be sent; 0 = 4096 */
    fh_net_sim_options sim;
} fh_net_options;

/* Which engine a loop runs on, and why not on a better one. */
typedef struct fh_net_about {
    fh_net_engine engine;
    const char *name;   /* "io_uring", "epoll", "sim" */
    const char *detail; /* what of the kernel it uses */
    const char *reason; /* why it is this one, such as "FREEHOLD_NET says so", or why io_uring was refused */
} fh_net_about;

/* A loop whose received bytes come from `pages`, which it shares with the caller; on io_uring it keeps up to eight of them for
 * what may come. NULL options are all defaults. FH_UNSUPPORTED
 * for an engine that is not there, FH_INVALID for options beyond their limits, FH_NOMEM, FH_EXHAUSTED, FH_IO. */
FH_FALLIBLE fh_net_new(fh_ref fh_allocator *a, fh_ref fh_page_source *pages, fh_ref const fh_net_options *options,
                       fh_owned fh_view(1, 2) fh_net **out, fh_mut fh_err *err);
/* Closes all that is open, drops all events, and waits for what the kernel still has. Nothing but fh_net_free follows, which
 * any thread may call then, and fh_net_wake until that. */
FH_API void fh_net_end(fh_mut fh_net *net);
/* The same, and the loop's memory goes. NULL is allowed. */
FH_API void fh_net_free(fh_drop fh_net *net);
/* Texts live as long as the program. */
FH_API fh_static fh_net_about fh_net_about_get(fh_ref const fh_net *net);
/* The loop's clock in nanoseconds, which never runs backwards: read at the end of fh_net_wait. */
FH_API uint64_t fh_net_now_ns(fh_ref const fh_net *net);

/* What a loop has done so far. */
typedef struct fh_net_stats {
    uint64_t system_calls; /* all that this loop has made */
    uint64_t received_bytes, sent_bytes;
    uint64_t sockets, timers; /* now */
} fh_net_stats;
FH_API fh_net_stats fh_net_stats_get(fh_ref const fh_net *net);

/* --- events ------------------------------------------------------------------------------------------------------------- */

/* What happened. */
typedef enum fh_net_kind {
    FH_NET_NONE,
    FH_NET_ACCEPTED,  /* socket: a new connection, of `listener`, with its user number. When status is not FH_OK there is no
                         socket, and the listener tries again in a while */
    FH_NET_CONNECTED, /* or not: then only fh_net_close may follow */
    FH_NET_RECEIVED,  /* bytes; FH_END: the peer will send no more; FH_IO: the connection is broken; FH_NOMEM, FH_EXHAUSTED:
                         no page was free, ask again later */
    FH_NET_FILLED,    /* count: so many bytes of the room were written; status as above */
    FH_NET_SENT,      /* count: so many bytes left since the last time. FH_IO, FH_END: the connection is broken, and what
                         waited was dropped */
    FH_NET_CLOSED,    /* the last of a socket */
    FH_NET_TIMER,     /* once; the timer is gone */
    FH_NET_WOKEN,     /* fh_net_wake was called, once or several times */
} fh_net_kind;

/* One event; who gets it drops it. */
typedef struct fh_net_event {
    fh_net_kind kind;
    fh_status status;
    int error; /* with FH_IO: errno's number, such as ECONNREFUSED; else 0 */
    fh_net_socket socket, listener;
    fh_net_timer timer;
    uint64_t user; /* of the socket or timer */
    size_t count;
    fh_owned fh_bytes bytes;
} fh_net_event;

/* Drops its bytes. */
FH_API void fh_net_event_drop(fh_drop fh_net_event *event);
/* Hands the kernel what was asked for, and waits until there is an event, but no longer than timeout_ns (0: looks only).
 * FH_TIMEOUT when there is none; FH_CANCELED when a signal came. A failure of the system is FH_IO. */
FH_FALLIBLE fh_net_wait(fh_mut fh_net *net, uint64_t timeout_ns);
/* The next event; FH_AGAIN when there is none: call fh_net_wait. */
FH_FALLIBLE fh_net_next(fh_mut fh_net *net, fh_owned fh_net_event *out);

/* What another thread wakes a loop with: a number. It ends with the loop. */
typedef struct fh_net_waker {
    int fd;
} fh_net_waker;
FH_API fh_net_waker fh_net_waker_get(fh_ref const fh_net *net);
/* Makes the loop's next or current fh_net_wait return with FH_NET_WOKEN. Any thread. A system call: wake a loop once for many
 * things. A simulated loop has no other threads: nothing happens. */
FH_API void fh_net_wake(fh_net_waker waker);

/* --- sockets ------------------------------------------------------------------------------------------------------------
 *
 * Each call with a socket may be refused with FH_STALE. `user` is a number of the caller's that comes back in events. */

/* Zero means the default. */
typedef struct fh_net_socket_options {
    uint32_t backlog;                        /* of a listener; 0 = 128 */
    uint32_t send_buffer, receive_buffer;    /* bytes in the kernel; 0 = its default */
    uint32_t type_of_service;                /* of IP */
    bool keep_alive;
    uint32_t keep_idle_s, keep_interval_s, keep_count; /* with keep_alive; 0 = the system's */
    uint32_t unheard_ms;                     /* so long may what was sent go unheard; 0 = as above */
    const fh_address *source;                /* connect from here; NULL = anywhere */
} fh_net_socket_options;

/* Listens, and accepts all that comes until the socket is closed. A local listener's file is removed when it is closed; one
 * that is left over from a listener that ended otherwise is replaced. Refusals of the system are FH_IO, with errno's number in
 * fh_net_error. FH_EXHAUSTED, FH_NOMEM. */
FH_FALLIBLE fh_net_listen(fh_mut fh_net *net, fh_ref const fh_address *address, fh_ref const fh_net_socket_options *options,
                          uint64_t user, fh_out fh_net_socket *out, fh_mut fh_err *err);
/* Begins to connect; FH_NET_CONNECTED says how it went. Close the socket to give up. Errors as above. */
FH_FALLIBLE fh_net_connect(fh_mut fh_net *net, fh_ref const fh_address *address, fh_ref const fh_net_socket_options *options,
                           uint64_t user, fh_out fh_net_socket *out, fh_mut fh_err *err);
/* Takes over a descriptor that listens, or is connected, made elsewhere; on success it belongs to the loop. FH_UNSUPPORTED in a
 * simulated loop, FH_INVALID for what is no stream socket. */
FH_FALLIBLE fh_net_adopt(fh_mut fh_net *net, int fd, uint64_t user, fh_out fh_net_socket *out, fh_mut fh_err *err);
/* errno's number of the last listen, connect or adopt that was refused with FH_IO. */
FH_API int fh_net_error(fh_ref const fh_net *net);
/* Gives a socket, such as one that was accepted, another number. */
FH_FALLIBLE fh_net_user_set(fh_mut fh_net *net, fh_net_socket s, uint64_t user);
/* Its own address and the peer's. FH_IO when the system does not know. */
FH_FALLIBLE fh_net_local(fh_mut fh_net *net, fh_net_socket s, fh_out fh_address *out);
FH_FALLIBLE fh_net_peer(fh_mut fh_net *net, fh_net_socket s, fh_out fh_address *out);
/* The system's descriptor, to ask it things; -1 in a simulated loop, and for what is stale. */
FH_API int fh_net_descriptor(fh_ref fh_net *net, fh_net_socket s);

/* Asks for what comes next: one FH_NET_RECEIVED. FH_BORROWED while a receive is under way, FH_INVALID for a listener, or before
 * FH_NET_CONNECTED. */
FH_FALLIBLE fh_net_receive(fh_mut fh_net *net, fh_net_socket s);
/* The same into room of the caller's, such as fh_zmtp_begin_io's: one FH_NET_FILLED, as soon as anything is there. */
FH_FALLIBLE fh_net_receive_into(fh_mut fh_view(3) fh_net *net, fh_net_socket s, fh_mspan room);
/* Sends a piece behind all others; *piece becomes empty exactly if it was taken, and no copy is made. FH_EXHAUSTED when
 * pieces_max wait already, FH_NOMEM, FH_END after fh_net_shutdown or when the connection is broken, FH_INVALID before
 * FH_NET_CONNECTED and for a listener. */
FH_FALLIBLE fh_net_send(fh_mut fh_net *net, fh_net_socket s, fh_mut fh_bytes *piece);
/* Bytes that wait to be sent. 0 for what is stale. */
FH_API uint64_t fh_net_out_bytes(fh_ref fh_net *net, fh_net_socket s);
/* Tells the peer that nothing more will come, behind all that waits. FH_INVALID as above. */
FH_FALLIBLE fh_net_shutdown(fh_mut fh_net *net, fh_net_socket s);
/* Ends it, with what waits to be sent and what was received and not yet told. FH_NET_CLOSED comes, and nothing else of it. */
FH_FALLIBLE fh_net_close(fh_mut fh_net *net, fh_net_socket s);

/* --- from loop to loop --------------------------------------------------------------------------------------------------
 *
 * A connection may be driven by one loop now and by another later: by that of a thread which waits for it, say. These are
 * FH_UNSUPPORTED in a simulated loop. */

/* Sends what waits and can leave at once, by a call of its own: for one message, and nothing else to do. Its event comes as
 * ever. FH_INVALID for what is not connected. */
FH_FALLIBLE fh_net_push(fh_mut fh_net *net, fh_net_socket s);
/* Takes back what the kernel has of a connection, and waits for it. What was asked for stays asked for, and goes on with the
 * next fh_net_wait. FH_INVALID as above, FH_IO. */
FH_FALLIBLE fh_net_rest(fh_mut fh_net *net, fh_net_socket s);
/* Gives a connection to another loop, which goes on with what was asked of it; its number here is stale then. FH_BORROWED: the
 * kernel has something of it, or an event was not told yet. FH_INVALID as above; FH_EXHAUSTED, FH_NOMEM: it stays. */
FH_FALLIBLE fh_net_move(fh_mut fh_net *net, fh_net_socket s, fh_mut fh_view(1) fh_net *to, uint64_t user,
                        fh_out fh_net_socket *out);
/* Gives the descriptor of a connection of which nothing was asked yet, such as one that has just come, to the caller: for
 * fh_net_adopt of a loop of another thread, or to close it. Its number here is stale then. FH_BORROWED, FH_INVALID as above. */
FH_FALLIBLE fh_net_give(fh_mut fh_net *net, fh_net_socket s, fh_out int *descriptor);
/* Reads the clock: a loop that nobody waited with is behind. */
FH_API void fh_net_clock_read(fh_mut fh_net *net);
/* fh_net_wait looks for so long whether something comes before it sleeps: faster, where a processor may be spent on it. 0 at
 * first. */
FH_API void fh_net_spin_set(fh_mut fh_net *net, uint64_t spin_ns);

/* --- timers ------------------------------------------------------------------------------------------------------------- */

/* One FH_NET_TIMER at due_ns of fh_net_now_ns, or later. FH_EXHAUSTED, FH_NOMEM. */
FH_FALLIBLE fh_net_timer_start(fh_mut fh_net *net, uint64_t due_ns, uint64_t user, fh_out fh_net_timer *out);
/* Takes it back: its event will not come. FH_STALE when it came already. */
FH_FALLIBLE fh_net_timer_stop(fh_mut fh_net *net, fh_net_timer t);

FH_EXTERN_END
#endif
