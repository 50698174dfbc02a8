/* zmtp.h: one connection of ZeroMQ's protocol as a state machine: bytes in, events and bytes out.
 *
 *     fh_zmtp *z;
 *     fh_zmtp_event e;
 *     FH_TRY(fh_zmtp_new(a, pages, &(fh_zmtp_options){.socket = FH_ZMTP_DEALER}, now_ms, &z, err));
 *     FH_TRY(fh_zmtp_feed(z, now_ms, &received));               counted bytes; the machine takes them over
 *     while ((s = fh_zmtp_next(z, &e, err)).code == FH_OK) {    FH_AGAIN: feed more
 *         use(e);
 *         fh_zmtp_event_drop(&e);
 *     }
 *     FH_TRY(fh_zmtp_out(z, &pieces));                          what to write: fh_zmtp_out_view(z, 0 … pieces - 1)
 *     FH_TRY(fh_zmtp_sent(z, written));
 *
 * It speaks ZMTP 3.1 (RFC 37), and 3.0 (RFC 23), 2.0 (RFC 15) and 1.0 (RFC 13) with peers that are older, with the mechanisms
 * NULL, PLAIN (RFC 24) and CURVE (RFC 25, 26). docs/ZMTP.md says which test holds each clause. There is no socket, no clock and
 * no thread here: bytes and times are handed in, and what is to be sent is handed out.
 *
 * Memory: a part that lies whole in what was fed is a slice of it. One that does not is gathered on a slab that grows as its
 * bytes arrive: at most twice what is there, or 4 KiB, whatever size was announced. All sizes, counts and times have limits.
 *
 * A call that fails with FH_NOMEM or FH_EXHAUSTED has changed nothing that can be seen: call it again when there is memory, or
 * when bytes were sent. Any other failure of fh_zmtp_next or fh_zmtp_tick ends the connection: it comes again on each call, and
 * fh_zmtp_fault says what it was. What fh_zmtp_out has is still worth sending then (an ERROR for the peer).
 *
 * Threading: a session, and the page source that it uses, belong to one thread at a time. */
#ifndef FREEHOLD_ZMTP_H
#define FREEHOLD_ZMTP_H

#include "freehold/page.h"

FH_EXTERN_BEGIN

enum { FH_ZMTP_KEY_BYTES = 32, FH_ZMTP_IDENTITY_MAX = 255, FH_ZMTP_GROUP_MAX = 255, FH_ZMTP_REASON_MAX = 255 };

/* Types of sockets by name, with the number that the API of libzmq and ZMTP 2.0 give them, and the types that they talk to (RFC
 * 37, "The Socket-Type Property"). */
#define FH_ZMTP_SOCKETS(X)                                                                            \
    X(PAIR, 0, FH_ZMTP_BIT(PAIR))                                                                     \
    X(PUB, 1, FH_ZMTP_BIT(SUB) | FH_ZMTP_BIT(XSUB))                                                   \
    X(SUB, 2, FH_ZMTP_BIT(PUB) | FH_ZMTP_BIT(XPUB))                                                   \
    X(REQ, 3, FH_ZMTP_BIT(REP) | FH_ZMTP_BIT(ROUTER))                                                 \
    X(REP, 4, FH_ZMTP_BIT(REQ) | FH_ZMTP_BIT(DEALER))                                                 \
    X(DEALER, 5, FH_ZMTP_BIT(REP) | FH_ZMTP_BIT(DEALER) | FH_ZMTP_BIT(ROUTER))                        \
    X(ROUTER, 6, FH_ZMTP_BIT(REQ) | FH_ZMTP_BIT(DEALER) | FH_ZMTP_BIT(ROUTER))                        \
    X(PULL, 7, FH_ZMTP_BIT(PUSH))                                                                     \
    X(PUSH, 8, FH_ZMTP_BIT(PULL))                                                                     \
    X(XPUB, 9, FH_ZMTP_BIT(SUB) | FH_ZMTP_BIT(XSUB))                                                  \
    X(XSUB, 10, FH_ZMTP_BIT(PUB) | FH_ZMTP_BIT(XPUB))                                                 \
    X(STREAM, 11, 0u) /* bytes of TCP: it speaks no ZMTP */                                           \
    X(SERVER, 12, FH_ZMTP_BIT(CLIENT))                                                                \
    X(CLIENT, 13, FH_ZMTP_BIT(SERVER))                                                                \
    X(RADIO, 14, FH_ZMTP_BIT(DISH))                                                                   \
    X(DISH, 15, FH_ZMTP_BIT(RADIO))                                                                   \
    X(GATHER, 16, FH_ZMTP_BIT(SCATTER))                                                               \
    X(SCATTER, 17, FH_ZMTP_BIT(GATHER))                                                               \
    X(PEER, 19, FH_ZMTP_BIT(PEER))                                                                    \
    X(CHANNEL, 20, FH_ZMTP_BIT(CHANNEL))
#define FH_ZMTP_BIT(name) (1u << FH_ZMTP_##name)

/* The types as numbers; FH_ZMTP_UNKNOWN: a peer of 1.0, or one that did not say. */
#define FH_ZMTP_SOCKET_ENUM(name, number, peers) FH_ZMTP_##name = (number),
typedef enum fh_zmtp_socket { FH_ZMTP_SOCKETS(FH_ZMTP_SOCKET_ENUM) FH_ZMTP_UNKNOWN = 31 } fh_zmtp_socket;
#undef FH_ZMTP_SOCKET_ENUM

/* The name on the wire; empty for FH_ZMTP_UNKNOWN and what is no type. */
FH_API fh_static fh_span fh_zmtp_socket_name(fh_zmtp_socket type);
/* The type of a name, or FH_ZMTP_UNKNOWN. */
FH_API fh_zmtp_socket fh_zmtp_socket_of(fh_span name);
/* True if the two may talk to each other. */
FH_API bool fh_zmtp_sockets_match(fh_zmtp_socket a, fh_zmtp_socket b);

/* What two peers agreed on: the lower of their versions. */
typedef enum fh_zmtp_version {
    FH_ZMTP_VERSION_NONE, /* not known yet */
    FH_ZMTP_1_0,
    FH_ZMTP_2_0,
    FH_ZMTP_3_0,
    FH_ZMTP_3_1, /* and above */
} fh_zmtp_version;

/* RFC 37; RFC 24; RFC 25. */
typedef enum fh_zmtp_mechanism { FH_ZMTP_NULL, FH_ZMTP_PLAIN, FH_ZMTP_CURVE } fh_zmtp_mechanism;

/* --- options: zero means the default -------------------------------------------------------------------------------------- */

/* What a peer may cost. */
typedef struct fh_zmtp_limits {
    uint64_t frame_bytes;     /* of one part; 0 = 64 MiB */
    uint64_t message_bytes;   /* of all parts of one message; 0 = 256 MiB */
    uint32_t parts;           /* of one message, either way; 0 = 8192 */
    uint32_t handshake_bytes; /* of the peer's commands before the traffic; 0 = 16 KiB */
    uint32_t handshake_ms;    /* from fh_zmtp_new to the traffic; 0 = 30,000 */
    uint32_t out_pieces;      /* bodies that wait to be sent, beside packed ones; 0 = 1024 */
    uint64_t out_bytes;       /* after which nothing more is taken until some is sent; 0 = 1 MiB */
} fh_zmtp_limits;

/* What a session is. */
typedef struct fh_zmtp_options {
    fh_zmtp_socket socket;
    fh_zmtp_mechanism mechanism;
    fh_zmtp_version version_min;   /* lower peers are cut off; 0 = FH_ZMTP_1_0; with a mechanism beyond NULL FH_ZMTP_3_0 */
    bool bound;                    /* this side accepted the connection: it is NULL's server */
    bool server;                   /* this side is the server of PLAIN or CURVE */
    bool authorize;                /* FH_ZMTP_AUTH comes with NULL and CURVE too; a server of PLAIN always asks */
    fh_span identity;              /* up to 255 bytes, the first not 0; sent by REQ, DEALER and ROUTER */
    fh_span resource;              /* RFC 37, "The Resource Property" */
    fh_span metadata;              /* further properties as fh_zmtp_property_put writes them */
    fh_span username, password;    /* of a client of PLAIN, up to 255 bytes each */
    fh_span public_key, secret_key; /* of CURVE: this side's, FH_ZMTP_KEY_BYTES each */
    fh_span server_key;            /* of a client of CURVE: the server's public key */
    void (*random)(void *ctx, fh_mut fh_mspan out); /* of CURVE: fills out with bytes that nobody can guess */
    fh_ref void *random_ctx;
    uint32_t heartbeat_ms;         /* between PINGs, to peers of 3.0 and above; 0 = none */
    uint32_t heartbeat_timeout_ms; /* without any traffic after a PING; 0 = heartbeat_ms */
    uint32_t heartbeat_ttl_ms;     /* what the peer is told, up to 6,553,500; 0 = nothing */
    fh_zmtp_limits limits;
} fh_zmtp_options;

/* --- events --------------------------------------------------------------------------------------------------------------- */

/* What happened. */
typedef enum fh_zmtp_kind {
    FH_ZMTP_NONE,
    FH_ZMTP_AUTH,      /* body: the user's name, or the client's public key of CURVE; extra: the password. Nothing goes on
                          before fh_zmtp_accept or fh_zmtp_refuse */
    FH_ZMTP_CONNECTED, /* the handshake is done: fh_zmtp_peer_get */
    FH_ZMTP_PART,      /* body: a part of a message, `more` if others follow. The first comes when the last is there */
    FH_ZMTP_SUBSCRIBE, /* body: what a subscriber wants; counted: each needs a cancellation of its own */
    FH_ZMTP_CANCEL,
    FH_ZMTP_JOIN,      /* body: a group */
    FH_ZMTP_LEAVE,
    FH_ZMTP_PONG,      /* body: the context of a PING */
    FH_ZMTP_REFUSED,   /* body: the reason of the peer's ERROR; the connection ends, and should not be tried again as it was */
} fh_zmtp_kind;

/* One event; who gets it drops it. */
typedef struct fh_zmtp_event {
    fh_zmtp_kind kind;
    bool more;
    fh_owned fh_bytes body, extra;
} fh_zmtp_event;

/* Drops its bytes. */
FH_API void fh_zmtp_event_drop(fh_drop fh_zmtp_event *event);

/* What ended a connection, with its status and text. */
#define FH_ZMTP_FAULTS(X)                                                                             \
    X(NONE, OK, "none")                                                                               \
    X(VERSION, UNSUPPORTED, "the peer's version is below the one that is asked for")                  \
    X(DOWNGRADE, UNSUPPORTED, "a peer below version 3.0 has no security")                             \
    X(MECHANISM, UNSUPPORTED, "the peer has another security mechanism")                              \
    X(FLAGS, CORRUPT, "a frame with reserved flags")                                                  \
    X(LENGTH, CORRUPT, "a frame's size has its top bit set")                                          \
    X(COMMAND_MORE, CORRUPT, "a command with MORE")                                                   \
    X(COMMAND, CORRUPT, "a command without a proper name")                                            \
    X(UNEXPECTED, CORRUPT, "a frame that is not due now")                                             \
    X(HELLO, CORRUPT, "a malformed HELLO")                                                            \
    X(WELCOME, CORRUPT, "a malformed WELCOME")                                                        \
    X(INITIATE, CORRUPT, "a malformed INITIATE")                                                      \
    X(READY, CORRUPT, "a malformed READY")                                                            \
    X(ERROR, CORRUPT, "a malformed ERROR")                                                            \
    X(MESSAGE, CORRUPT, "a malformed MESSAGE")                                                        \
    X(PING, CORRUPT, "a malformed PING or PONG")                                                      \
    X(GROUP, CORRUPT, "a malformed JOIN or LEAVE")                                                    \
    X(METADATA, CORRUPT, "malformed properties")                                                      \
    X(SOCKET, INVALID, "a socket that this one does not talk to")                                     \
    X(IDENTITY, INVALID, "an identity that is too long or reserved")                                  \
    X(RESOURCE, INVALID, "a resource that is no name")                                                \
    X(NONCE, CORRUPT, "a nonce that does not rise")                                                   \
    X(CRYPTO, CORRUPT, "a box that does not open")                                                    \
    X(FRAME_LIMIT, LIMIT, "a frame over the limit")                                                   \
    X(MESSAGE_LIMIT, LIMIT, "a message over the limit")                                               \
    X(PARTS_LIMIT, LIMIT, "a message of too many parts")                                              \
    X(HANDSHAKE_LIMIT, LIMIT, "a handshake over the limit")                                           \
    X(HANDSHAKE_TIME, TIMEOUT, "the handshake takes too long")                                        \
    X(SILENT, TIMEOUT, "nothing came from the peer for too long")                                     \
    X(REFUSED, CANCELED, "the peer refused with an ERROR")                                            \
    X(DENIED, CANCELED, "the peer was not let in")
#define FH_ZMTP_FAULT_ENUM(name, code, text) FH_ZMTP_FAULT_##name,
typedef enum fh_zmtp_fault_kind { FH_ZMTP_FAULTS(FH_ZMTP_FAULT_ENUM) FH_ZMTP_FAULT_COUNT } fh_zmtp_fault_kind;
#undef FH_ZMTP_FAULT_ENUM

/* --- life ----------------------------------------------------------------------------------------------------------------- */

/* One end of one connection. */
typedef struct fh_zmtp fh_zmtp;

/* A session whose connection was made at now_ms (of any clock that does not run backwards). The options are copied. FH_INVALID
 * for options beyond their limits, FH_UNSUPPORTED for CURVE in a library without libsodium, FH_NOMEM, FH_EXHAUSTED. */
FH_FALLIBLE fh_zmtp_new(fh_ref fh_allocator *a, fh_ref fh_page_source *pages, fh_ref const fh_zmtp_options *options,
                        uint64_t now_ms, fh_owned fh_view(1, 2, *3) fh_zmtp **out, fh_mut fh_err *err);
/* From now on it takes its pages from another source, such as that of another thread. FH_BORROWED while it has some: a part is
 * half there, or bytes wait to be sent. */
FH_FALLIBLE fh_zmtp_pages_set(fh_mut fh_view(2) fh_zmtp *z, fh_ref fh_page_source *pages);
/* Ends it with all that waits in it, and wipes its secrets. NULL is allowed. */
FH_API void fh_zmtp_free(fh_drop fh_zmtp *z);

/* What the peer said of itself. */
typedef struct fh_zmtp_peer {
    fh_zmtp_version version;
    fh_zmtp_socket socket;
    fh_span identity, resource;
    fh_span metadata; /* all its properties, for fh_zmtp_property_next */
} fh_zmtp_peer;
/* Valid until: fh_zmtp_free. Before FH_ZMTP_CONNECTED only the version may be known. */
FH_API fh_zmtp_peer fh_zmtp_peer_get(fh_ref const fh_zmtp *z) fh_view(1);
/* What ended the connection. */
FH_API fh_zmtp_fault_kind fh_zmtp_fault(fh_ref const fh_zmtp *z);
/* Its text. */
FH_API fh_static const char *fh_zmtp_fault_text(fh_zmtp_fault_kind kind);

/* --- in ------------------------------------------------------------------------------------------------------------------- */

/* Gives received bytes; *bytes becomes empty exactly if they were taken. FH_BORROWED while fh_zmtp_next has not used up the
 * ones before. Any bytes are a sign of life. */
FH_FALLIBLE fh_zmtp_feed(fh_mut fh_zmtp *z, uint64_t now_ms, fh_mut fh_bytes *bytes);
/* The next event. FH_AGAIN when there is none: feed more, or answer FH_ZMTP_AUTH. */
FH_FALLIBLE fh_zmtp_next(fh_mut fh_zmtp *z, fh_owned fh_zmtp_event *event, fh_mut fh_err *err);
/* Lets the peer of an FH_ZMTP_AUTH in. FH_INVALID when none waits, FH_NOMEM, FH_EXHAUSTED. */
FH_FALLIBLE fh_zmtp_accept(fh_mut fh_zmtp *z);
/* Tells it why not, in up to 255 printable characters, and ends the connection. Errors as above. */
FH_FALLIBLE fh_zmtp_refuse(fh_mut fh_zmtp *z, fh_span reason);

/* For large parts: room on the slab where the part that is arriving is gathered, so that the next bytes of the connection can
 * be received there without a copy. FH_AGAIN when the part that is arriving is not that large, or bytes that were fed are not
 * used up. Valid until: fh_zmtp_end_io, which has to come before any other call. */
FH_FALLIBLE fh_zmtp_begin_io(fh_mut fh_zmtp *z, fh_out fh_view(1) fh_mspan *room);
/* Its first `written` bytes have arrived. FH_INVALID when the room was not out, FH_LIMIT for more than the room. */
FH_FALLIBLE fh_zmtp_end_io(fh_mut fh_zmtp *z, uint64_t now_ms, size_t written);

/* --- out ------------------------------------------------------------------------------------------------------------------- *
 *
 * Small bodies are packed with the frames around them; large ones go out from where they lie. Nothing of a message is shown
 * before its last part was given. FH_AGAIN before FH_ZMTP_CONNECTED; FH_EXHAUSTED when limits.out_bytes wait already. */

/* One part. *body becomes empty exactly if it was taken. FH_LIMIT for more parts, or bytes in all, than the limits allow. */
FH_FALLIBLE fh_zmtp_send(fh_mut fh_zmtp *z, fh_mut fh_bytes *body, bool more);
/* A subscription and its end; a command for peers of 3.1, a message for those below. FH_INVALID between parts of a message. */
FH_FALLIBLE fh_zmtp_subscribe(fh_mut fh_zmtp *z, fh_span prefix);
FH_FALLIBLE fh_zmtp_cancel(fh_mut fh_zmtp *z, fh_span prefix);
/* Groups of 1 to 255 bytes, none of them 0. FH_INVALID for others, FH_UNSUPPORTED for peers below 3.1. */
FH_FALLIBLE fh_zmtp_join(fh_mut fh_zmtp *z, fh_span group);
FH_FALLIBLE fh_zmtp_leave(fh_mut fh_zmtp *z, fh_span group);

/* Makes all that may be sent visible: *pieces of it. FH_NOMEM, FH_EXHAUSTED. */
FH_FALLIBLE fh_zmtp_out(fh_mut fh_zmtp *z, fh_out size_t *pieces);
/* Piece i, without what of it was sent; empty from *pieces on. Valid until: fh_zmtp_sent or fh_zmtp_free. */
FH_API fh_span fh_zmtp_out_view(fh_ref const fh_zmtp *z, size_t i) fh_view(1);
/* The same, counted: for a write that may outlive the session. */
FH_API fh_owned fh_bytes fh_zmtp_out_share(fh_ref const fh_zmtp *z, size_t i);
/* The first `count` bytes of it all are on their way. FH_INVALID when fewer were shown. */
FH_FALLIBLE fh_zmtp_sent(fh_mut fh_zmtp *z, size_t count);
/* Bytes that wait, shown or not. */
FH_API uint64_t fh_zmtp_out_bytes(fh_ref const fh_zmtp *z);

/* --- time ----------------------------------------------------------------------------------------------------------------- */

/* Says what time it is: sends a PING that is due, and ends a connection that is late (FH_TIMEOUT). *next_ms is the time of the
 * next call that could do something; UINT64_MAX: none. FH_NOMEM, FH_EXHAUSTED when a PING could not be queued. */
FH_FALLIBLE fh_zmtp_tick(fh_mut fh_zmtp *z, uint64_t now_ms, fh_out uint64_t *next_ms);

/* --- properties ----------------------------------------------------------------------------------------------------------- */

/* A property of a connection. */
typedef struct fh_zmtp_property {
    fh_span name, value;
} fh_zmtp_property;
/* The property at *at, and moves *at behind it: begin with 0. FH_END behind the last; FH_CORRUPT. */
FH_FALLIBLE fh_zmtp_property_next(fh_span metadata, fh_mut size_t *at, fh_out fh_view(1) fh_zmtp_property *out);
/* Writes one to the start of `to`: *size bytes. FH_INVALID for a name that is none, FH_LIMIT when it does not fit. */
FH_FALLIBLE fh_zmtp_property_put(fh_mspan to, fh_zmtp_property property, fh_out size_t *size);
/* True if two names are the same: case does not count. */
FH_API bool fh_zmtp_name_equal(fh_span a, fh_span b);

FH_EXTERN_END
#endif
