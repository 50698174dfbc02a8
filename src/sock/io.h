/* io.h: the threads of a context that serve the connections with other processes.
 *
 *     fh_sock_…  --- order --->  desk ---\
 *     lanes      --- tell  --->  mailbox --->  I/O thread: fh_net, a row (fh_conn) for each listener, dialler and connection
 *     accepted by another one ->  arrivals --/
 *
 * Each is one more slot: links name it by FH_IO_BOX and its number, and whoever tells it sets a bit of its mailbox, and rings
 * the loop's bell if it may sleep there. So the patterns do not know whether a peer is another socket or a connection.
 *
 * An endpoint goes to the I/O thread with the fewest rows of those that its socket's AFFINITY names, and so does each
 * connection that comes to a listener: who has accepted it hands it over (handover.h). Whoever chooses a thread takes one of
 * its rows, by its `load`, so there is one when the endpoint, or the connection, comes there. A row stays where it is until it
 * ends.
 *
 * A simulated context has no thread, and one loop: who gives an order, or steps, does its work.
 *
 * A desk takes one order at a time, and who gives it waits for the answer: binding and connecting are rare. Who has several
 * desks has entered them in the order of their numbers. A socket that ends has its listeners closed first, wherever they are:
 * then all that came to them has been handed over, and is found by the orders that end its connections.
 *
 * Invariants: rows, loop and sessions are their I/O thread's; an order is its giver's while `desk` is WRITING or ANSWERED, the
 * thread's while it is ASKED. Once the orders that end a socket's endpoints are answered, nothing is delivered to that socket.
 * rows_live <= load <= rows. Threading: as above. */
#ifndef FH_SOCK_IO_H
#define FH_SOCK_IO_H

#include "freehold/net.h"
#include "freehold/os.h"
#include "sock/context.h"
#include "sock/desk.h"
#include "sock/handover.h"
#include "sock/lookup.h"
#include "sock/terms.h"

enum { FH_IO_ROWS = FH_MAILBOX_NUMBERS, FH_IO_PAGES = 8192 };

/* What a row needs of the thread. */
typedef struct fh_loop {
    fh_ref fh_allocator *allocator;
    fh_mut fh_sock_context *context;
    fh_ref fh_page_source *pages; /* the context's */
    fh_owned fh_net *net;
    uint32_t box;     /* of the I/O thread */
    uint64_t next_ns; /* when some row wants to be looked at, or earlier */
    uint64_t random;  /* counts what was drawn */
} fh_loop;

/* --- conn.c: one row ------------------------------------------------------------------------------------------------------ */

typedef enum fh_conn_state {
    FH_CONN_IDLE,       /* a dialler that waits for its time */
    FH_CONN_CONNECTING,
    FH_CONN_SHAKING,    /* hands */
    FH_CONN_UP,
    FH_CONN_PARTING,    /* its last words leave */
    FH_CONN_CLOSING,    /* until FH_NET_CLOSED */
    FH_CONN_LISTENING,
    FH_CONN_DEAD,       /* its row may go */
} fh_conn_state;

struct fh_conn {
    fh_mut fh_loop *loop;
    fh_owned_or_null fh_terms *terms;
    uint32_t number;
    fh_conn_state state;
    fh_net_socket socket;
    fh_address at;                  /* of a listener: its own; of who came to one: the peer's */
    fh_owned_or_null fh_lookup *lookup; /* of a dialler that waits for an address */
    fh_owned_or_null fh_zmtp *session;
    fh_owned_or_null fh_link *link; /* side 0 is ours */
    fh_owned_or_null fh_link *zap;  /* to a handler that was asked, until its answer */
    uint32_t verdict;               /* of it, or of us: 300, 400, 500 */
    fh_sock_zap_fault zap_fault;
    fh_owned fh_bytes user, granted; /* what it said of the peer */
    fh_owned fh_message going;      /* out of the lane, not yet all in the session */
    fh_owned fh_message coming;     /* out of the session, not yet in the lane */
    uint32_t given;                 /* parts of `going` that are in the session */
    bool has_going, is_whole;       /* `coming` is */
    bool dials, is_last;            /* it connects; no connection follows this one */
    bool is_asked, has_room_out;    /* a receive is under way; into the session's room */
    bool is_ahead;                  /* it was asked for once while a handler thinks, to see whether the peer stays */
    bool is_mute, is_shut;          /* the peer takes nothing any more; we have told it that nothing comes */
    bool tells_about;               /* the socket is to be told of the peer, before its first message */
    bool probes;                    /* it begins with an empty message */
    bool has_stood;                 /* a connection of a STREAM, which its link ends with */
    bool let_in, send_away;         /* what the peer is to be told about its name */
    bool is_again;                  /* there was no memory, or no room in the session */
    bool is_lent, leaves;           /* its socket's thread drives it; that is to end */
    bool is_counted;                /* its handshake is counted */
    uint64_t due_ns, redial_ns, end_ns; /* to be looked at; to connect again, or to stop parting; the end, with is_last */
    uint64_t wait_ms;               /* before the next redial but one */
    uint64_t hold_ns;               /* before it the peer's silence says nothing: it was held back */
    int descriptor;                 /* while it is handed over */
    fh_owned_or_null fh_conn *next; /* of those that are */
};

/* What a row of an endpoint has. It is of no loop until fh_conn_take_up; nothing else comes before that. FH_NOMEM. */
FH_MUST_USE fh_status fh_conn_new(fh_ref fh_allocator *a, fh_move fh_terms *terms, fh_owned fh_conn **out);
void fh_conn_free(fh_drop fh_conn *c);
/* Begins: listens, connects, or goes on with a connection that was accepted. *error: errno's number. */
FH_MUST_USE fh_status fh_conn_listen(fh_mut fh_conn *c, fh_out int *error);
FH_MUST_USE fh_status fh_conn_dial(fh_mut fh_conn *c);
void fh_conn_accepted(fh_mut fh_view(1) fh_conn *c, fh_net_socket s);
/* Something happened at its socket. */
void fh_conn_event(fh_mut fh_view(1) fh_conn *c, fh_mut fh_net_event *e);
/* Goes on: there may be messages, or room, or it is time. */
void fh_conn_look(fh_mut fh_view(1) fh_conn *c);
/* It is to end, at end_ns at the latest, when all that was sent has left. */
void fh_conn_end(fh_mut fh_view(1) fh_conn *c, uint64_t end_ns);
/* Tells a monitor. */
void fh_conn_say(fh_mut fh_conn *c, fh_sock_happening kind, int64_t value);

/* It goes on in this loop; `lent`: not in that of the I/O thread (drive.h). */
void fh_conn_take_up(fh_mut fh_view(2) fh_conn *c, fh_mut fh_loop *loop, fh_net_socket socket, bool lent);

/* --- admit.c: who may come in --------------------------------------------------------------------------------------------- */

/* What is known of the peer, as a message for its socket. FH_NOMEM. */
FH_MUST_USE fh_status fh_admit_about(fh_ref const fh_conn *c, fh_mut fh_message *m);
/* A peer asks to be let in: the handler is asked, or decides here. */
void fh_admit_ask(fh_mut fh_conn *c, fh_ref const fh_zmtp_event *e);
/* The handler's answer, if it is there; one that is gone without an answer has failed. False: the connection is to end without
 * a word. */
FH_MUST_USE bool fh_admit_hear(fh_mut fh_conn *c);
/* The peer is told, if that is decided. FH_NOMEM, FH_EXHAUSTED: later; other failures end the connection. */
FH_MUST_USE fh_status fh_admit_answer(fh_mut fh_conn *c);
/* Nothing more is asked, and no answer is waited for. */
void fh_admit_end(fh_mut fh_conn *c);

/* --- lookup.c: where to --------------------------------------------------------------------------------------------------- */

/* Where a dialler is to connect to. FH_AGAIN: that is asked; ask again at *again_ns. FH_NOT_FOUND: nobody knows the name. */
FH_MUST_USE fh_status fh_lookup_find(fh_mut fh_conn *c, fh_out fh_address *out, fh_out uint64_t *again_ns);
/* Waits for what is asked, and forgets it. */
void fh_lookup_end(fh_mut fh_conn *c);

/* --- io.c: the threads ---------------------------------------------------------------------------------------------------- */

/* An endpoint begins, or one ends, or what came to it does; a socket's listeners end; all of a socket's ends. */
typedef enum fh_order_kind {
    FH_ORDER_ATTACH,
    FH_ORDER_DETACH,
    FH_ORDER_DETACH_GUESTS,
    FH_ORDER_DETACH_LISTENERS,
    FH_ORDER_DETACH_ALL,
} fh_order_kind;

typedef struct fh_order {
    fh_order_kind kind;
    uint32_t box;
    bool bound;
    int64_t linger_ms;
    uint64_t endpoint; /* the number of its terms; the answer to FH_ORDER_DETACH, too, if its guests are to end */
    fh_owned_or_null fh_terms *terms;
    uint8_t name[FH_SOCK_ENDPOINT_MAX];
    uint32_t name_size;
    fh_address address; /* the answer: these three */
    fh_status status;
    int error;
} fh_order;

/* The loop of one connection, which is driven by the thread of its socket, and its pages. */
typedef struct fh_sock_seat {
    fh_loop loop;
    fh_owned_or_null fh_page_source *pages;
} fh_sock_seat;

typedef struct fh_conn_row {
    fh_owned_or_null fh_conn *conn;
    fh_owned_or_null fh_sock_seat *seat; /* for the thread of its socket, once it was lent (drive.h) */
    bool is_lent;                   /* these three are the I/O thread's */
    uint64_t look_ns;               /* when to look whether anybody drives it */
    uint32_t drives;                /* as of the last look */
} fh_conn_row;
FH_SPAN_DEFINE(conn_row, fh_conn_row);
FH_ARRAY_DEFINE(conn_row);

struct fh_io {
    fh_loop loop;
    fh_owned_or_null fh_os_thread *thread; /* NULL: simulated */
    fh_net_waker waker;
    uint32_t stop;
    fh_desk desk;
    fh_order order;  /* `desk` */
    fh_mailbox mail; /* a bit for each row */
    fh_handover arrivals;
    fh_owned fh_conn_rows rows;
    uint32_t rows_used, rows_live;
    uint32_t load; /* rows that are live, or are for somebody who is on the way */
    bool is_done; /* the order; it is answered after the next wait, when what it closed is closed */
    bool has_hurried, has_served; /* since pages were given back */
};

/* The context's I/O threads, which are made when there are none. FH_NOMEM, FH_EXHAUSTED, FH_IO. */
FH_MUST_USE fh_status fh_io_make(fh_mut fh_sock_context *c, fh_mut fh_err *err);
/* Waits until all rows have ended, and ends them, if they were made. */
void fh_io_end(fh_mut fh_sock_context *c);
/* Look at this row. Any thread that has its link. */
void fh_io_tell(fh_ref fh_sock_context *c, uint32_t box, uint32_t number);
/* Look whether the context has stopped. Nothing happens without threads. */
void fh_io_wake(fh_ref fh_sock_context *c);

/* One of the I/O threads, once they are there. */
static inline fh_io *fh_io_at(fh_ref fh_sock_context *c, uint32_t number) fh_view(1) {
    fh_io *io = fh_io_places_at(c->ios, number)->io;
    FH_ASSERT(io != NULL);
    return io;
}
/* Those that an AFFINITY names, as bits. */
static inline uint32_t fh_io_among(fh_ref const fh_sock_context *c, int64_t affinity) {
    uint32_t all = (UINT32_C(1) << c->ios.count) - 1;
    return affinity != 0 ? (uint32_t)affinity & all : all;
}

/* Orders. An endpoint of a socket begins; *address becomes the one that was bound. *error: errno's number. */
FH_MUST_USE fh_status fh_io_attach(fh_mut fh_core *k, fh_move fh_terms *terms, fh_mut fh_address *address, fh_out int *error);
/* One ends, by one of its names. FH_NOT_FOUND. */
FH_MUST_USE fh_status fh_io_detach(fh_mut fh_core *k, fh_span endpoint, bool bound, int64_t linger_ms);
/* All of them. */
void fh_io_detach_all(fh_mut fh_core *k, int64_t linger_ms);

#endif
