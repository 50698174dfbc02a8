/* sock.h: sockets of ZeroMQ's patterns: whole messages, in and out, between threads.
 *
 *     fh_sock_context *c;
 *     fh_sock push, pull;
 *     fh_message m = {0};
 *     FH_TRY(fh_sock_context_new(a, NULL, &c));
 *     FH_TRY(fh_sock_open(c, FH_ZMTP_PULL, &pull));
 *     FH_TRY(fh_sock_bind(c, pull, FH_LIT("inproc://work"), err));
 *     FH_TRY(fh_sock_open(c, FH_ZMTP_PUSH, &push));             on another thread, perhaps
 *     FH_TRY(fh_sock_connect(c, push, FH_LIT("inproc://work"), err));
 *     FH_TRY(fh_message_push_copy(&m, a, FH_LIT("hello")));
 *     FH_TRY(fh_sock_send(c, push, &m));                        m is empty exactly if it was taken
 *     FH_TRY(fh_sock_receive(c, pull, &m));
 *     fh_message_drop(&m, a);
 *
 * The patterns are those of RFC 28 (REQ, REP, DEALER, ROUTER), 29 (PUB, SUB, XPUB, XSUB), 30 (PUSH, PULL) and 31 (PAIR);
 * docs/SOCKETS.md says which test holds each clause. A message is sent and received whole, or not at all. Bodies are shared by
 * counting: they are never copied between the sockets of one process.
 *
 * Bounds: at most as many messages wait between two sockets as their high-water marks add up to. A sender waits then (or drops,
 * where its pattern says so); nothing in here grows with what a peer sends.
 *
 * Who is told what: sockets tell each other only when one of them may sleep, so a stream of messages costs no system call.
 *
 * Threading: any thread may use a context, and any socket, but a socket is used by one thread at a time: a second one is
 * refused with FH_BORROWED and changes nothing. A socket may pass from thread to thread with no more ado. A number whose socket
 * is closed is FH_STALE, always. The allocator is used by all threads that have sockets. */
#ifndef FREEHOLD_SOCK_H
#define FREEHOLD_SOCK_H

#include "freehold/sock_message.h"
#include "freehold/zmtp.h"

FH_EXTERN_BEGIN

enum { FH_SOCK_MARK_MAX = 65536, FH_SOCK_ENDPOINT_MAX = 255, FH_SOCK_PEERS_MAX = 4095 };

/* --- contexts ----------------------------------------------------------------------------------------------------------- */

/* Sockets that can reach each other. */
typedef struct fh_sock_context fh_sock_context;

/* Zero means the default. */
typedef struct fh_sock_context_options {
    uint32_t sockets_max; /* at once, up to 65,535; 0 = 1023 */
} fh_sock_context_options;

/* NULL options are all defaults. FH_LIMIT, FH_NOMEM. */
FH_FALLIBLE fh_sock_context_new(fh_ref fh_allocator *a, fh_ref const fh_sock_context_options *options,
                                fh_owned fh_view(1) fh_sock_context **out);
/* From now on whoever waits, sends, receives, polls, opens, binds, connects or subscribes is refused with FH_CANCELED. Any
 * thread. */
FH_API void fh_sock_context_stop(fh_mut fh_sock_context *c);
/* Closes what is open and ends the context, which no thread uses any more. NULL is allowed. */
FH_API void fh_sock_context_free(fh_drop fh_sock_context *c);
/* Its sockets that are open; a guess while other threads open and close some. */
FH_API uint32_t fh_sock_context_count(fh_ref const fh_sock_context *c);

/* --- sockets ----------------------------------------------------------------------------------------------------------------
 *
 * Each call may be refused with FH_STALE and FH_BORROWED, and those that fh_sock_context_stop names with FH_CANCELED. */

/* A socket, by number; {0} is none. */
typedef struct fh_sock {
    uint64_t value;
} fh_sock;

/* A socket of type PAIR, PUB, SUB, REQ, REP, DEALER, ROUTER, PULL, PUSH, XPUB or XSUB. FH_UNSUPPORTED for other types;
 * FH_EXHAUSTED at sockets_max, FH_NOMEM. */
FH_FALLIBLE fh_sock_open(fh_mut fh_sock_context *c, fh_zmtp_socket type, fh_out fh_sock *out);
/* Ends it. What it has sent can still be received by those that it is connected with. */
FH_FALLIBLE fh_sock_close(fh_mut fh_sock_context *c, fh_sock s);

/* Makes a name, "inproc://" and more, up to FH_SOCK_ENDPOINT_MAX bytes in all, this socket's: those who connect to it, or did
 * so before, become its peers. FH_INVALID for a name that is none, FH_BORROWED for one that is another's, FH_UNSUPPORTED for
 * another transport, FH_NOMEM. */
FH_FALLIBLE fh_sock_bind(fh_mut fh_sock_context *c, fh_sock s, fh_span endpoint, fh_mut fh_err *err);
/* Becomes a peer of the socket that has the name, now or later; messages may be sent at once. FH_INVALID when the two types do
 * not talk to each other, FH_EXHAUSTED at FH_SOCK_PEERS_MAX; errors as above. */
FH_FALLIBLE fh_sock_connect(fh_mut fh_sock_context *c, fh_sock s, fh_span endpoint, fh_mut fh_err *err);
/* The name is free again; who is connected stays. FH_NOT_FOUND. */
FH_FALLIBLE fh_sock_unbind(fh_mut fh_sock_context *c, fh_sock s, fh_span endpoint);
/* Ends what fh_sock_connect began. What was sent can still be received there. FH_NOT_FOUND. */
FH_FALLIBLE fh_sock_disconnect(fh_mut fh_sock_context *c, fh_sock s, fh_span endpoint);

/* --- messages ----------------------------------------------------------------------------------------------------------- */

/* Sends a message of at least one part; *m has no parts afterwards exactly if it was taken. Waits as long as SEND_TIMEOUT says;
 * then FH_TIMEOUT, or FH_AGAIN if it says 0. FH_UNSUPPORTED for a type that does not send, FH_INVALID when it is not this
 * socket's turn to speak (REQ, REP) and for no parts, FH_NOT_FOUND for an unknown peer of a ROUTER with ROUTER_MANDATORY,
 * FH_NOMEM. */
FH_FALLIBLE fh_sock_send(fh_mut fh_sock_context *c, fh_sock s, fh_mut fh_message *m);
/* Never waits: FH_AGAIN. */
FH_FALLIBLE fh_sock_try_send(fh_mut fh_sock_context *c, fh_sock s, fh_mut fh_message *m);
/* The next message, to *out, which has no parts before. Waits as long as RECEIVE_TIMEOUT says. FH_END, once: the peer that a
 * REQ asked is gone without an answer; errors as above. */
FH_FALLIBLE fh_sock_receive(fh_mut fh_sock_context *c, fh_sock s, fh_owned fh_message *out);
/* Never waits: FH_AGAIN. */
FH_FALLIBLE fh_sock_try_receive(fh_mut fh_sock_context *c, fh_sock s, fh_owned fh_message *out);

FH_SPAN_DEFINE(message, fh_message);
FH_ARRAY_DEFINE(message);
/* Sends the messages, as many as there is room for; waits only for the first. *done says how many were taken; their places have
 * no parts afterwards. The status is that of the first, or FH_OK. */
FH_FALLIBLE fh_sock_send_n(fh_mut fh_sock_context *c, fh_sock s, fh_messages messages, fh_out size_t *done);
/* Receives what is there, up to `messages.count`; waits only for the first. The places have no parts before. */
FH_FALLIBLE fh_sock_receive_n(fh_mut fh_sock_context *c, fh_sock s, fh_messages messages, fh_out size_t *done);

/* --- options ------------------------------------------------------------------------------------------------------------ */

/* Name, number in the API of libzmq, first value. Marks, and ROUTING_ID, count for peers that come afterwards. */
#define FH_SOCK_OPTIONS(X)                                                                                    \
    X(SEND_MARK, 23, 1000)       /* messages; 0 is as many as FH_SOCK_MARK_MAX */                            \
    X(RECEIVE_MARK, 24, 1000)                                                                                 \
    X(SEND_TIMEOUT, 28, -1)      /* ms; -1: for ever; 0: FH_AGAIN at once */                                  \
    X(RECEIVE_TIMEOUT, 27, -1)                                                                                \
    X(ROUTER_MANDATORY, 33, 0)   /* 0, 1: a ROUTER tells of a peer that is not there, and waits for one that is full */ \
    X(ROUTER_HANDOVER, 56, 0)    /* 0, 1: a new peer takes the identity of an old one over, and that is left */   \
    X(PROBE_ROUTER, 51, 0)       /* 0, 1: an empty message to each new peer: REQ, DEALER, ROUTER */           \
    X(XPUB_VERBOSE, 40, 0)       /* 0, 1: an XPUB hears of each subscription, not only of the first of its kind */ \
    X(TYPE, 16, 0)               /* fh_zmtp_socket; read only */                                              \
    X(EVENTS, 15, 0)             /* FH_SOCK_READABLE, FH_SOCK_WRITABLE; read only */
#define FH_SOCK_OPTION_ENUM(name, number, value) FH_SOCK_##name = (number),
typedef enum fh_sock_option { FH_SOCK_OPTIONS(FH_SOCK_OPTION_ENUM) } fh_sock_option;
#undef FH_SOCK_OPTION_ENUM

enum { FH_SOCK_READABLE = 1, FH_SOCK_WRITABLE = 2 };

/* FH_INVALID for a value that is out of its range, FH_UNSUPPORTED for an option that is read only or unknown. */
FH_FALLIBLE fh_sock_set(fh_mut fh_sock_context *c, fh_sock s, fh_sock_option option, int64_t value);
FH_FALLIBLE fh_sock_get(fh_mut fh_sock_context *c, fh_sock s, fh_sock_option option, fh_out int64_t *value);
/* What a ROUTER calls this socket: up to FH_ZMTP_IDENTITY_MAX bytes, the first not 0. FH_INVALID, FH_NOMEM. */
FH_FALLIBLE fh_sock_identify(fh_mut fh_sock_context *c, fh_sock s, fh_span identity);
/* A SUB gets what begins with a prefix, and with any further prefix. FH_UNSUPPORTED for other types; FH_LIMIT for more than
 * FH_SOCK_PREFIX_MAX bytes; FH_EXHAUSTED when a publisher has thousands to take already; FH_NOMEM. */
enum { FH_SOCK_PREFIX_MAX = 4096 };
FH_FALLIBLE fh_sock_subscribe(fh_mut fh_sock_context *c, fh_sock s, fh_span prefix);
/* Takes one subscription back. FH_NOT_FOUND; errors as above. */
FH_FALLIBLE fh_sock_unsubscribe(fh_mut fh_sock_context *c, fh_sock s, fh_span prefix);
/* The name that was bound or connected last; empty bytes before. */
FH_FALLIBLE fh_sock_last_endpoint(fh_mut fh_sock_context *c, fh_sock s, fh_owned fh_bytes *out);

/* --- several sockets ---------------------------------------------------------------------------------------------------- */

/* A socket to wait for: `wanted` is what of FH_SOCK_READABLE and FH_SOCK_WRITABLE, `found` what of it is. */
typedef struct fh_sock_poll_item {
    fh_sock socket;
    uint32_t wanted, found;
} fh_sock_poll_item;
FH_SPAN_DEFINE(sock_poll_item, fh_sock_poll_item);

/* Waits until something is found, at most timeout_ms (-1: for ever). *count is the number of items with something found; with
 * none, FH_TIMEOUT. The sockets are this thread's for the time of the call. */
FH_FALLIBLE fh_sock_poll(fh_mut fh_sock_context *c, fh_sock_poll_items items, int64_t timeout_ms, fh_out size_t *count);

FH_EXTERN_END
#endif
