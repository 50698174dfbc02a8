/* sock.h: sockets of ZeroMQ's patterns: whole messages, in and out, between threads, processes and machines.
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
 * The patterns are those of RFC 28 (REQ, REP, DEALER, ROUTER), 29 (PUB, SUB, XPUB, XSUB), 30 (PUSH, PULL) and 31 (PAIR), and of
 * 41 (CLIENT, SERVER), 48 (RADIO, DISH), 49 (SCATTER, GATHER), 51 (PEER) and 52 (CHANNEL); a STREAM talks plain TCP.
 * In front of its one part, a message of SERVER or PEER has the number of the peer (four bytes, for fh_span_u32), one of RADIO
 * or DISH the group, one of a STREAM the name of the connection; an empty part says that it has come or gone, or ends it.
 * docs/SOCKETS.md says which test holds each clause. A message is sent and received whole, or not at all. Bodies are shared by
 * counting: they are never copied between the sockets of one process.
 *
 * Between processes ("tcp://host:port", "ipc://path", "ipc://@name") a thread of the context does the work of the network, or
 * several do: they begin with the first such endpoint. To the patterns such a connection is a peer like any other. Large bodies
 * are not copied there either. Each peer is held to limits: of a message, of a handshake, of time; and to the marks, since
 * nothing is received for a socket that does not take it.
 *
 * Bounds: at most as many messages wait between two sockets as their high-water marks add up to. A sender waits then (or drops,
 * where its pattern says so); nothing in here grows with what a peer sends.
 *
 * Who is told what: sockets tell each other only when one of them may sleep, so a stream of messages costs no system call.
 *
 * Threading: any thread may use a context, and any socket, but a socket is used by one thread at a time: a second one is
 * refused with FH_BORROWED and changes nothing. A socket may pass from thread to thread with no more ado. The types of RFC 41
 * to 52 are for any number of threads at once: each message goes to one of them, and a call is refused to none; who sleeps in
 * such a socket when it is closed gets FH_STALE. A number whose socket is closed is FH_STALE, always. The allocator is used by
 * all threads that have sockets. */
#ifndef FREEHOLD_SOCK_H
#define FREEHOLD_SOCK_H

#include "freehold/net.h"
#include "freehold/sock_message.h"
#include "freehold/zmtp.h"

FH_EXTERN_BEGIN

enum { FH_SOCK_MARK_MAX = 65536, FH_SOCK_ENDPOINT_MAX = 255, FH_SOCK_PEERS_MAX = 4095 };
/* Bytes of all parts of a message that goes to another process; one that is larger, or has FH_MESSAGE_PARTS_MAX parts, is
 * dropped on the way. A peer that sends more is cut off. */
enum { FH_SOCK_WIRE_BYTES_MAX = 256 << 20 };

/* --- contexts ----------------------------------------------------------------------------------------------------------- */

/* Sockets that can reach each other. */
typedef struct fh_sock_context fh_sock_context;

enum { FH_SOCK_IO_THREADS_MAX = 16 };

/* Zero means the default. */
typedef struct fh_sock_context_options {
    uint32_t sockets_max; /* at once, up to 65,535; 0 = 1023 */
    const fh_net_sim_options *sim; /* copied; NULL: the system's network */
    bool interrupts;      /* a signal ends a wait: FH_AGAIN, which such a call has no other reason for */
    uint32_t io_threads;  /* that serve connections with other processes, up to FH_SOCK_IO_THREADS_MAX; 0 = 1 */
} fh_sock_context_options;

/* NULL options are all defaults. FH_LIMIT for one beyond its bound; FH_UNSUPPORTED for more than one I/O thread with `sim`,
 * which has none; FH_NOMEM.
 *
 * With `sim`, tcp and ipc are a simulated network of this context alone: what becomes of a program's messages is a function of
 * the seed and of its calls. Time is virtual, and goes on in fh_sock_context_step only: use no calls that wait, and one
 * thread. */
FH_FALLIBLE fh_sock_context_new(fh_ref fh_allocator *a, fh_ref const fh_sock_context_options *options,
                                fh_owned fh_view(1) fh_sock_context **out);
/* The simulated network does what comes next. Nothing happens in a context that has none. */
FH_API void fh_sock_context_step(fh_mut fh_sock_context *c);
/* From now on whoever waits, sends, receives, polls, opens, binds, connects or subscribes is refused with FH_CANCELED. Any
 * thread. */
FH_API void fh_sock_context_stop(fh_mut fh_sock_context *c);
/* The same, but what LINGER says is still waited for. */
FH_API void fh_sock_context_refuse(fh_mut fh_sock_context *c);
/* Closes what is open and ends the context, which no thread uses any more. It waits for what LINGER says may still be sent to
 * other processes; after fh_sock_context_stop it does not. NULL is allowed. */
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

/* A socket. FH_UNSUPPORTED for what is no type; FH_EXHAUSTED at sockets_max, FH_NOMEM. */
FH_FALLIBLE fh_sock_open(fh_mut fh_sock_context *c, fh_zmtp_socket type, fh_out fh_sock *out);
/* Ends it. What it has sent can still be received by those that it is connected with; what is on its way to other processes has
 * the time of LINGER. */
FH_FALLIBLE fh_sock_close(fh_mut fh_sock_context *c, fh_sock s);

/* Makes a name, up to FH_SOCK_ENDPOINT_MAX bytes in all, this socket's: those who connect to it, or did so before, become
 * its peers. "inproc://" and more; "tcp://" and a host (a number, an interface such as "eth0", a name, "*" for all of them)
 * and a port ("*" or 0 for a free one, which fh_sock_last_endpoint tells); "ipc://" and a path, or "@" and an abstract name.
 * FH_INVALID for a name that is none, and for tcp and ipc when AFFINITY names no I/O thread that there is; FH_BORROWED for one
 * of inproc that is another's, FH_IO where the system refuses (err has errno's number), FH_NOT_FOUND for an unknown host,
 * FH_UNSUPPORTED for another transport, FH_NOMEM, FH_EXHAUSTED. */
FH_FALLIBLE fh_sock_bind(fh_mut fh_sock_context *c, fh_sock s, fh_span endpoint, fh_mut fh_err *err);
/* Becomes a peer of the socket that has the name, now or later. Messages may be sent at once by PAIR, PUSH, DEALER and REQ, and
 * over inproc by all; over tcp and ipc the others, and these with IMMEDIATE, wait for the connection. One that breaks is made
 * again; what was handed to it then is lost, and what was not yet is not. (A socket takes its peers in while it is called: a
 * SUB that is not called does not subscribe anew.) FH_INVALID when the two types do not talk to each other (inproc),
 * FH_EXHAUSTED at FH_SOCK_PEERS_MAX; errors as above.
 *
 * "tcp://source:port;host:port" connects from an address of this machine: a number or an interface, with "*" or 0 for any port.
 * A host that is a name is asked for with each try to connect, so one that moves is found again, and one that nobody knows
 * yet is no error (a monitor sees FH_SOCK_IS_CLOSED). Nothing waits for the resolver but that connection, and the end of the
 * context. */
FH_FALLIBLE fh_sock_connect(fh_mut fh_sock_context *c, fh_sock s, fh_span endpoint, fh_mut fh_err *err);
/* The same for a PEER: *id is what it calls that peer, at once. FH_UNSUPPORTED for other types, FH_INVALID with IMMEDIATE. */
FH_FALLIBLE fh_sock_connect_peer(fh_mut fh_sock_context *c, fh_sock s, fh_span endpoint, fh_out uint32_t *id,
                                 fh_mut fh_err *err);
/* The name is free again; who is connected stays, but for connections over tcp and ipc with UNBIND_ENDS. The name is the one
 * that was given, or the one of fh_sock_last_endpoint. FH_NOT_FOUND. */
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

/* What is known of who sent the message that was received last, by whatever thread, with METADATA: parts of properties, for
 * fh_zmtp_property_next: what it said of itself; Peer-Address, __fd (the connection's descriptor, in decimal digits) and
 * User-Id; and what a handler of ZAP had to add. No parts for a peer of inproc, or one that is gone. */
FH_FALLIBLE fh_sock_about(fh_mut fh_sock_context *c, fh_sock s, fh_owned fh_message *out);
/* What a message that begins with this part, and has more, would find: FH_AGAIN: no room; the other errors of fh_sock_send.
 * What finds room keeps it while this socket sends nothing, and its peers stay and want the same. */
FH_FALLIBLE fh_sock_may_send(fh_mut fh_sock_context *c, fh_sock s, fh_span first);

/* Whether there is a peer of this name, of a ROUTER, STREAM, SERVER or PEER, and room for a message to it: FH_NOT_FOUND,
 * FH_AGAIN. FH_UNSUPPORTED for other types. */
FH_FALLIBLE fh_sock_has_peer(fh_mut fh_sock_context *c, fh_sock s, fh_span name);

FH_SPAN_DEFINE(message, fh_message);
FH_ARRAY_DEFINE(message);
/* Sends the messages, as many as there is room for; waits only for the first. *done says how many were taken; their places have
 * no parts afterwards. The status is that of the first, or FH_OK. */
FH_FALLIBLE fh_sock_send_n(fh_mut fh_sock_context *c, fh_sock s, fh_messages messages, fh_out size_t *done);
/* Receives what is there, up to `messages.count`; waits only for the first. The places have no parts before. */
FH_FALLIBLE fh_sock_receive_n(fh_mut fh_sock_context *c, fh_sock s, fh_messages messages, fh_out size_t *done);

/* --- options ------------------------------------------------------------------------------------------------------------ */

/* Name, the same in small letters, number in the API of libzmq, first value, least and greatest. Marks, CONFLATE and all that
 * speaks of connections count for endpoints that come afterwards; LINGER counts at the close. */
#define FH_SOCK_OPTIONS(X)                                                                                             \
    X(SEND_MARK, send_mark, 23, 1000, 0, FH_SOCK_MARK_MAX) /* messages; 0 is as many as FH_SOCK_MARK_MAX */            \
    X(RECEIVE_MARK, receive_mark, 24, 1000, 0, FH_SOCK_MARK_MAX)                                                       \
    X(SEND_TIMEOUT, send_timeout, 28, -1, -1, INT32_MAX) /* ms; -1: for ever; 0: FH_AGAIN at once */                   \
    X(RECEIVE_TIMEOUT, receive_timeout, 27, -1, -1, INT32_MAX)                                                         \
    X(CONFLATE, conflate, 54, 0, 0, 1) /* only the newest message is kept: PUSH, PULL, PUB, SUB, DEALER */             \
    X(ROUTER_MANDATORY, mandatory, 33, 0, 0, 1) /* a ROUTER tells of a peer that is not there, and waits for a full one */ \
    X(ROUTER_HANDOVER, handover, 56, 0, 0, 1) /* a new peer takes the identity of an old one over, and that is left */ \
    X(ROUTER_NOTIFY, notify, 97, 0, 0, 3) /* an empty message from each peer that 1: comes, 2: goes; ROUTER */         \
    X(PROBE_ROUTER, probe, 51, 0, 0, 1) /* an empty message to each new peer: REQ, DEALER, ROUTER */                   \
    X(STREAM_NOTIFY, stream_notify, 73, 1, 0, 1) /* an empty message from each peer that comes or goes; STREAM */      \
    X(REQ_CORRELATE, correlate, 52, 0, 0, 1) /* a number goes with each question, and its answer must have it */       \
    X(REQ_RELAXED, relaxed, 53, 0, 0, 1) /* a REQ may ask again before the answer, which is then not waited for */     \
    X(XPUB_VERBOSE, verbose, 40, 0, 0, 1) /* an XPUB hears of each subscription, not only of the first of its kind */  \
    X(XPUB_VERBOSER, verboser, 78, 0, 0, 1) /* and of the end of each */                                               \
    X(XPUB_NODROP, nodrop, 69, 0, 0, 1) /* PUB and XPUB wait for a subscriber that is full, and drop nothing */        \
    X(XPUB_MANUAL, manual, 71, 0, 0, 1) /* only fh_sock_subscribe subscribes, for the peer that was heard last */      \
    X(XPUB_MANUAL_LAST_VALUE, last_value, 98, 0, 0, 1) /* the same, and what is sent next after a subscription was received  \
                                 goes to that peer only: the last value, to who has just come */                        \
    X(INVERT_MATCHING, invert, 74, 0, 0, 1) /* all get what they did not subscribe to: PUB, XPUB and SUB of theirs */  \
    X(LINGER, linger, 17, -1, -1, INT32_MAX) /* ms left to what was sent when the socket closes; -1: all it takes */   \
    X(IMMEDIATE, immediate, 39, 0, 0, 1) /* no message waits for a connection that does not stand yet */               \
    X(RECONNECT_IVL, reconnect_ivl, 18, 100, -1, INT32_MAX) /* ms before a connection is made again; -1: never */      \
    X(RECONNECT_IVL_MAX, reconnect_ivl_max, 21, 0, 0, INT32_MAX) /* ms that this doubles up to; 0: it stays */         \
    X(HANDSHAKE_IVL, handshake_ivl, 66, 30000, 0, INT32_MAX) /* ms that a handshake may take; 0: any time */           \
    X(AFFINITY, affinity, 4, 0, 0, INT64_MAX) /* a bit for each I/O thread that may serve its connections; 0: any */   \
    X(HALF_OPEN_MAX, half_open_max, 201, 512, 0, FH_SOCK_PEERS_MAX) /* ours: connections from one address (over ipc: from    \
                                 all) whose handshake is not done; 0: any number */                                     \
    X(HEARTBEAT_IVL, heartbeat_ivl, 75, 0, 0, INT32_MAX) /* ms between PINGs; 0: none */                               \
    X(HEARTBEAT_TTL, heartbeat_ttl, 76, 0, 0, 6553500) /* ms after which a silent peer may take us for gone; 0: unsaid */ \
    X(HEARTBEAT_TIMEOUT, heartbeat_timeout, 77, -1, -1, INT32_MAX) /* ms of silence after a PING; 0: any; -1: HEARTBEAT_IVL */ \
    X(MESSAGE_MAX, message_max, 22, -1, -1, INT64_MAX) /* bytes of a part that a peer may send, up to \
                                 FH_SOCK_WIRE_BYTES_MAX, which more counts as; -1: 64 MiB */                            \
    X(BACKLOG, backlog, 19, 100, 1, INT32_MAX) /* connections that wait to be accepted */                              \
    X(CONNECT_TIMEOUT, connect_timeout, 79, 0, 0, INT32_MAX) /* ms that a try to connect may take; 0: what the system gives */ \
    X(SEND_BUFFER, send_buffer, 11, -1, -1, INT32_MAX) /* bytes in the kernel; -1: its default; here and below */       \
    X(RECEIVE_BUFFER, receive_buffer, 12, -1, -1, INT32_MAX)                                                            \
    X(TYPE_OF_SERVICE, type_of_service, 57, 0, 0, 255) /* of IP */                                                      \
    X(TCP_KEEPALIVE, keep_alive, 34, -1, -1, 1) /* 1: the system asks a silent peer whether it is there */ \
    X(TCP_KEEPALIVE_COUNT, keep_count, 35, -1, -1, INT32_MAX) /* questions without an answer */                         \
    X(TCP_KEEPALIVE_IDLE, keep_idle, 36, -1, -1, INT32_MAX) /* s of silence before the first */                         \
    X(TCP_KEEPALIVE_INTERVAL, keep_interval, 37, -1, -1, INT32_MAX) /* s between them */                                \
    X(TCP_MAXRT, unheard_max, 80, 0, 0, INT32_MAX) /* ms that sent bytes may go unheard; 0: the system's default */     \
    X(IPV6, ip6, 42, 0, 0, 1) /* "*" and names are addresses of IPv6 */                                                \
    X(SPIN, spin, 203, 0, 0, 1000000) /* ours: us that a call looks whether something comes before it sleeps */         \
    X(UNBIND_ENDS, unbind_ends, 204, 0, 0, 1) /* ours: fh_sock_unbind ends the connections that came to the name as well */  \
    X(METADATA, metadata, 202, 0, 0, 1) /* ours: fh_sock_about knows the peers of tcp and ipc */                       \
    X(ZAP_ENFORCE_DOMAIN, enforce, 93, 0, 0, 1) /* who asks a handler of ZAP lets nobody in while there is none */
/* Read only. */
#define FH_SOCK_FACTS(X)                                                                           \
    X(TYPE, 16)             /* fh_zmtp_socket */                                                   \
    X(EVENTS, 15)           /* FH_SOCK_READABLE, FH_SOCK_WRITABLE, FH_SOCK_HAPPENED */             \
    X(LAST_ROUTING_ID, 200) /* ours: what a PEER or SERVER calls the peer that came last; 0: none */
#define FH_SOCK_OPTION_ENUM(name, field, number, value, least, most) FH_SOCK_##name = (number),
#define FH_SOCK_FACT_ENUM(name, number) FH_SOCK_##name = (number),
typedef enum fh_sock_option { FH_SOCK_OPTIONS(FH_SOCK_OPTION_ENUM) FH_SOCK_FACTS(FH_SOCK_FACT_ENUM) } fh_sock_option;
#undef FH_SOCK_OPTION_ENUM
#undef FH_SOCK_FACT_ENUM

enum { FH_SOCK_READABLE = 1, FH_SOCK_WRITABLE = 2, FH_SOCK_HAPPENED = 4 /* fh_sock_event_next has something */ };

/* FH_INVALID for a value that is out of its range, FH_UNSUPPORTED for an option that is read only or unknown. */
FH_FALLIBLE fh_sock_set(fh_mut fh_sock_context *c, fh_sock s, fh_sock_option option, int64_t value);
FH_FALLIBLE fh_sock_get(fh_mut fh_sock_context *c, fh_sock s, fh_sock_option option, fh_out int64_t *value);
/* What a ROUTER calls this socket: up to FH_ZMTP_IDENTITY_MAX bytes, the first not 0. FH_INVALID, FH_NOMEM. */
FH_FALLIBLE fh_sock_identify(fh_mut fh_sock_context *c, fh_sock s, fh_span identity);
/* The same, as it is now; of a STREAM: the name of the connection that came, or was begun, last. Empty bytes: none. */
FH_FALLIBLE fh_sock_identity(fh_mut fh_sock_context *c, fh_sock s, fh_owned fh_bytes *out);
/* What an XPUB sends to each new subscriber, as if it had been published; empty: nothing. FH_UNSUPPORTED for other types,
 * FH_NOMEM. */
FH_FALLIBLE fh_sock_welcome(fh_mut fh_sock_context *c, fh_sock s, fh_span text);
/* What a ROUTER or STREAM calls the peer that it connects to next: as fh_sock_identify. FH_UNSUPPORTED for other types. */
FH_FALLIBLE fh_sock_name_next(fh_mut fh_sock_context *c, fh_sock s, fh_span identity);

/* How a socket and its peers in other processes know each other. All zero: they do not (NULL).
 *
 * While a REP or ROUTER of the context has bound "inproc://zeromq.zap.01", it is a handler of RFC 27, and decides: about all
 * who come to a server of PLAIN or CURVE, and with NULL about all peers of a socket that has a domain. A 300 closes the
 * connection without a word, so the peer comes again; a 400 or 500 is told to it. Without a handler a server of PLAIN compares
 * name and password with its own (if it has neither, nobody comes in), and the others let everybody in, unless
 * ZAP_ENFORCE_DOMAIN. */
typedef struct fh_sock_security {
    fh_zmtp_mechanism mechanism;
    bool server;                 /* of PLAIN, CURVE */
    fh_span username, password;  /* PLAIN: what a client says, and what a server wants to hear; up to 255 bytes each */
    fh_span public_key, secret_key; /* CURVE: this side's, FH_ZMTP_KEY_BYTES each (a server's public one may be left out); a
                                       server lets in who has its public key */
    fh_span server_key;          /* of a client of CURVE */
    fh_span domain;              /* told to the handler, up to 255 bytes */
} fh_sock_security;
/* Counts for endpoints that come afterwards. The texts are copied, and wiped at the end. FH_INVALID for wrong sizes,
 * FH_UNSUPPORTED for CURVE in a library without libsodium. */
FH_FALLIBLE fh_sock_secure(fh_mut fh_sock_context *c, fh_sock s, fh_ref const fh_sock_security *security);
/* A SUB gets what begins with a prefix, and with any further prefix; an XPUB with XPUB_MANUAL does so for the peer whose
 * subscription it received last (FH_INVALID: for none). FH_UNSUPPORTED for other types; FH_LIMIT for more than
 * FH_SOCK_PREFIX_MAX bytes; FH_EXHAUSTED when a publisher has thousands to take already; FH_NOMEM. */
enum { FH_SOCK_PREFIX_MAX = 4096 };
FH_FALLIBLE fh_sock_subscribe(fh_mut fh_sock_context *c, fh_sock s, fh_span prefix);
/* Takes one subscription back. FH_NOT_FOUND; errors as above. */
FH_FALLIBLE fh_sock_unsubscribe(fh_mut fh_sock_context *c, fh_sock s, fh_span prefix);
/* The name that was bound or connected last; empty bytes before. */
FH_FALLIBLE fh_sock_last_endpoint(fh_mut fh_sock_context *c, fh_sock s, fh_owned fh_bytes *out);

/* --- what happens to connections ------------------------------------------------------------------------------------------ */

/* Name, and number in the API of libzmq. */
#define FH_SOCK_HAPPENINGS(X)                                                             \
    X(CONNECTED, 0x1)           /* value: a descriptor; the handshake follows */          \
    X(CONNECT_DELAYED, 0x2)     /* the system has begun to connect */                     \
    X(CONNECT_RETRIED, 0x4)     /* value: the ms until the next try */                    \
    X(LISTENING, 0x8)                                                                     \
    X(BIND_FAILED, 0x10)        /* value: errno's number */                               \
    X(ACCEPTED, 0x20)           /* value: a descriptor */                                 \
    X(ACCEPT_FAILED, 0x40)      /* value: errno's number, or 0: there are too many already */ \
    X(CLOSED, 0x80)             /* a try to connect, or a listener, is over */            \
    X(DISCONNECTED, 0x200)      /* a connection is over; after HANDSHAKE_FAILED… if it never stood */ \
    X(HANDSHAKE_FAILED, 0x800)  /* the connection ended before its handshake did; value: FH_SOCK_ZAP_MISSING or _GONE, \
                                   or a time that was over (fh_zmtp_fault_kind), or 0: the peer has left */              \
    X(HANDSHAKE_SUCCEEDED, 0x1000)                                                        \
    X(HANDSHAKE_FAILED_PROTOCOL, 0x2000) /* value: an fh_zmtp_fault_kind, or an fh_sock_zap_fault */ \
    X(HANDSHAKE_FAILED_AUTH, 0x4000) /* one did not let the other in; value: 300, 400, 500, or 0 */
#define FH_SOCK_HAPPENING_ENUM(name, number) FH_SOCK_IS_##name = (number),
typedef enum fh_sock_happening { FH_SOCK_HAPPENINGS(FH_SOCK_HAPPENING_ENUM) FH_SOCK_IS_ANY = 0xffff } fh_sock_happening;
#undef FH_SOCK_HAPPENING_ENUM

enum { FH_SOCK_EVENTS_MAX = 256 };

/* What a reply of a handler of ZAP can have against it. */
typedef enum fh_sock_zap_fault {
    FH_SOCK_ZAP_FINE,
    FH_SOCK_ZAP_UNSPECIFIED = 1000,
    FH_SOCK_ZAP_MALFORMED,
    FH_SOCK_ZAP_REQUEST_ID,
    FH_SOCK_ZAP_VERSION,
    FH_SOCK_ZAP_STATUS,
    FH_SOCK_ZAP_METADATA,
    FH_SOCK_ZAP_MISSING, /* there is no handler, and ZAP_ENFORCE_DOMAIN */
    FH_SOCK_ZAP_GONE,    /* it ended before it answered */
} fh_sock_zap_fault;
/* The answers of RFC 27. */
enum { FH_SOCK_ZAP_LET_IN = 200, FH_SOCK_ZAP_LATER = 300, FH_SOCK_ZAP_DENIED = 400, FH_SOCK_ZAP_FAILED = 500 };

/* One event; who gets it drops it. */
typedef struct fh_sock_event {
    fh_sock_happening kind;
    int64_t value;
    uint64_t lost;              /* events before this one that found FH_SOCK_EVENTS_MAX others waiting */
    fh_owned fh_bytes endpoint; /* as it was given to bind or connect */
} fh_sock_event;
/* Drops its endpoint. */
FH_API void fh_sock_event_drop(fh_drop fh_sock_event *event);
/* Keeps those of `kinds` (a sum of FH_SOCK_IS_…) that happen at endpoints which come afterwards; 0: none. FH_NOMEM. */
FH_FALLIBLE fh_sock_monitor(fh_mut fh_sock_context *c, fh_sock s, uint32_t kinds);
/* Who is told of an event, instead of the row that fh_sock_event_next reads. It is called on any thread, one at a time, and
 * may use other sockets of the context but neither wait nor call with this one. */
typedef struct fh_sock_watcher {
    void (*happened)(fh_mut fh_view(1) void *ctx, fh_sock_happening kind, int64_t value, fh_span endpoint);
    fh_mut void *ctx;
} fh_sock_watcher;
/* As fh_sock_monitor. It is told until fh_sock_monitor, fh_sock_close, or another call of this, comes back; the close of each
 * listener is the last that it hears. */
FH_FALLIBLE fh_sock_watch(fh_mut fh_sock_context *c, fh_sock s, uint32_t kinds, fh_sock_watcher watcher);
/* The next one. FH_AGAIN: none; fh_sock_poll waits for FH_SOCK_HAPPENED. */
FH_FALLIBLE fh_sock_event_next(fh_mut fh_sock_context *c, fh_sock s, fh_owned fh_sock_event *out);

/* --- several sockets ---------------------------------------------------------------------------------------------------- */

/* A socket to wait for: `wanted` is what of FH_SOCK_READABLE, FH_SOCK_WRITABLE and FH_SOCK_HAPPENED, `found` what
 * of it is. */
typedef struct fh_sock_poll_item {
    fh_sock socket;
    uint32_t wanted, found;
} fh_sock_poll_item;
FH_SPAN_DEFINE(sock_poll_item, fh_sock_poll_item);

/* Waits until something is found, at most timeout_ms (-1: for ever). *count is the number of items with something found; with
 * none, FH_TIMEOUT. The sockets are this thread's for the time of the call, but for those that several threads use. */
FH_FALLIBLE fh_sock_poll(fh_mut fh_sock_context *c, fh_sock_poll_items items, int64_t timeout_ms, fh_out size_t *count);
/* A descriptor that becomes readable when the socket may have changed: for an event loop of the caller's. It says so only
 * until FH_SOCK_EVENTS is read, so read that after each time it does, and after each call with the socket. It is the
 * context's: neither read nor close it. Valid until: the context ends. FH_EXHAUSTED, FH_NOMEM, FH_IO. */
FH_FALLIBLE fh_sock_bell(fh_mut fh_sock_context *c, fh_sock s, fh_out int *descriptor);
/* Where several threads wait for a socket, each needs a bell of its own, for one that has looked silences the socket's: an
 * eventfd of the caller's, which is rung from here on. It may be closed after fh_sock_unring. FH_UNSUPPORTED for the other
 * types, FH_NOMEM. */
FH_FALLIBLE fh_sock_ring(fh_mut fh_sock_context *c, fh_sock s, int descriptor);
/* Rings it no more; nothing happens if it was not to be rung, or the socket is closed. */
FH_API void fh_sock_unring(fh_mut fh_sock_context *c, fh_sock s, int descriptor);

/* --- proxies -------------------------------------------------------------------------------------------------------------- */

/* What goes through a proxy; {0}: no such socket. Front and back end may be one. */
typedef struct fh_sock_proxy_sockets {
    fh_sock frontend, backend;
    fh_sock capture; /* gets a copy of each message */
    fh_sock control; /* "PAUSE", "RESUME", "TERMINATE", "STATISTICS": PAIR, PULL or SUB, or a REP, which answers to each */
} fh_sock_proxy_sockets;
typedef struct fh_sock_traffic {
    uint64_t messages_in, bytes_in, messages_out, bytes_out;
} fh_sock_traffic;
/* Since it began; STATISTICS is answered with these eight numbers, in this order, each a part of eight bytes. */
typedef struct fh_sock_proxy_counts {
    fh_sock_traffic frontend, backend;
} fh_sock_proxy_counts;

/* Gives to each end what comes to the other, until TERMINATE (FH_OK) or fh_sock_context_stop (FH_CANCELED). A message is taken
 * when there is room for it on the other side, so an end that is full holds the other one back. What a ROUTER with
 * ROUTER_MANDATORY has nobody for is dropped. It ends with the status of any other failure; after a signal with FH_AGAIN, where
 * such waits end. `a` is the allocator of the messages. *counts is up to date at the end. */
FH_FALLIBLE fh_sock_proxy(fh_mut fh_sock_context *c, fh_ref fh_allocator *a, fh_ref const fh_sock_proxy_sockets *sockets,
                          fh_out fh_sock_proxy_counts *counts);

FH_EXTERN_END
#endif
