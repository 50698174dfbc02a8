/* core.h: what a socket is made of: its peers, whose turn it is to be read and to be written to, and what its pattern keeps.
 *
 *     context.c   numbers, names, who is told            peers.c    who is connected
 *     pattern.c   sending and receiving, type by type    sock.c     waiting, options, polls
 *
 * A peer is a row; its number stays while it is connected, and is what the other side tells this one. `readers` are the peers
 * that have something, `writers` those that have room: as far as is known, a look may find that it is not so any more.
 *
 * Invariants: a live row has a link, a free one has none; a peer that is not in `readers` (`writers`) has been told to tell.
 * Threading: one thread at a time, who has entered the slot. */
#ifndef FH_SOCK_CORE_H
#define FH_SOCK_CORE_H

#include "proto/reqrep.h"
#include "proto/subscriptions.h"
#include "proto/turn.h"
#include "sock/link.h"
#include "sock/monitor.h"

/* What a message of a subscriber is. */
typedef enum fh_message_kind { FH_MESSAGE_DATA, FH_MESSAGE_SUBSCRIBE, FH_MESSAGE_CANCEL } fh_message_kind;

enum { FH_UPSTREAM_MARK = 8192, FH_ENVELOPE_MAX = 64, FH_WANTED_MAX = 16 << 20, FH_WANTED_EACH = 64 };

typedef struct fh_peer {
    fh_owned_or_null fh_link *link;
    fh_owned fh_bytes identity; /* of a ROUTER's */
    uint64_t wanted;            /* what its subscriptions cost, about, in bytes */
    uint32_t side, chain;       /* the next row with such an identity, or the next free row: its number + 1 */
} fh_peer;
FH_SPAN_DEFINE(peer, fh_peer);
FH_ARRAY_DEFINE(peer);

/* Their first values are those of FH_SOCK_OPTIONS. */
typedef struct fh_sock_settings {
    int64_t send_mark, receive_mark, send_timeout, receive_timeout, linger, reconnect_ivl, reconnect_ivl_max, handshake_ivl;
    int64_t heartbeat_ivl, heartbeat_ttl, heartbeat_timeout, message_max, backlog;
    bool mandatory, handover, probe, verbose, immediate, ip6;
} fh_sock_settings;

/* What fh_sock_secure says. */
enum { FH_SECRET_MAX = 255 };
typedef struct fh_secret {
    uint32_t size;
    uint8_t bytes[FH_SECRET_MAX];
} fh_secret;
typedef struct fh_secrets {
    fh_zmtp_mechanism mechanism;
    bool server;
    fh_secret username, password, public_key, secret_key, server_key;
} fh_secrets;

typedef struct fh_core {
    fh_ref fh_allocator *allocator;
    fh_mut fh_sock_context *context;
    fh_zmtp_socket type;
    uint32_t box; /* its slot's */
    fh_sock_settings settings;
    fh_owned fh_bytes identity, last_endpoint;
    fh_secrets secrets;
    fh_owned_or_null fh_monitor *monitor;
    bool has_remotes; /* it has bound or connected to another process */

    fh_link_list arrivals; /* those that are to become peers, the first first */
    fh_owned fh_peers peers;
    uint32_t peers_used, peer_free, peers_live;
    fh_owned fh_turn readers, writers;
    fh_owned fh_u32s cells; /* of a ROUTER: the first row of each chain of identities + 1 */
    uint64_t secret;        /* of the hashes of identities */
    uint32_t name_next;     /* of a ROUTER: for a peer without an identity */

    fh_owned fh_subscription_index wants; /* of peers; of a subscriber: its own, as peer 0 */
    fh_owned fh_u32s matched;             /* room for the numbers of all peers */
    fh_owned fh_lane heard;               /* of an XPUB: what its subscribers said */
    fh_req req;
    bool request_lost; /* the peer that was asked is gone, and this was not told yet */
    fh_owned fh_rep rep;
} fh_core;

/* A socket without peers. FH_NOMEM. */
FH_MUST_USE fh_status fh_core_new(fh_ref fh_allocator *a, fh_mut fh_sock_context *context, fh_zmtp_socket type, uint32_t box,
                                  fh_owned fh_view(1, 2) fh_core **out);
/* Leaves all peers. NULL is allowed. */
void fh_core_free(fh_drop fh_core *k);

/* --- peers.c -------------------------------------------------------------------------------------------------------------- */

/* Takes one side of a link over; *link becomes NULL exactly if it did. FH_INVALID for a second peer of a PAIR, and for an
 * identity that another peer of a ROUTER has; FH_EXHAUSTED, FH_NOMEM. */
FH_MUST_USE fh_status fh_core_join(fh_mut fh_core *k, fh_move fh_link **link, uint32_t side);
/* True for the peer that this socket connected to under the name. */
bool fh_core_connected(fh_ref const fh_core *k, uint32_t number, fh_span name);
/* A peer goes. What was sent to it can still be read there. */
void fh_core_leave(fh_mut fh_core *k, uint32_t number);
/* A peer has told: it may have something, or room. */
void fh_core_look(fh_mut fh_core *k, uint32_t number);
/* Gives what subscribers said to the index, as far as there is room for what an XPUB hears; what is sent to a socket that only
 * sends is dropped. FH_NOMEM. */
FH_MUST_USE fh_status fh_core_hear(fh_mut fh_core *k);
/* The peer with an identity, or FH_NO_PEER. */
uint32_t fh_core_find(fh_ref const fh_core *k, fh_span identity);
/* True for the number of a peer. */
bool fh_core_has(fh_ref const fh_core *k, uint32_t number);
/* The lane to a peer, or from it. */
fh_lane *fh_core_out(fh_mut fh_core *k, uint32_t number) fh_view(1);
fh_lane *fh_core_in(fh_mut fh_core *k, uint32_t number) fh_view(1);
/* The other side of a peer's link is told to look. */
void fh_core_tell(fh_mut fh_core *k, uint32_t number);
/* Puts a message into a lane that is open. */
void fh_core_put(fh_mut fh_core *k, uint32_t number, fh_mut fh_message *m);
/* True if a peer has room, and is still there. */
FH_MUST_USE bool fh_core_has_room(fh_mut fh_core *k, uint32_t number);
/* Whose turn it is to be read from, or to be written to; FH_NO_PEER. */
uint32_t fh_core_reader(fh_mut fh_core *k);
uint32_t fh_core_writer(fh_mut fh_core *k);

/* --- pattern.c ------------------------------------------------------------------------------------------------------------ */

/* What a type can do. */
bool fh_core_sends(fh_ref const fh_core *k);
bool fh_core_receives(fh_ref const fh_core *k);
/* fh_sock_try_send and fh_sock_try_receive. */
FH_MUST_USE fh_status fh_core_send(fh_mut fh_core *k, fh_mut fh_message *m);
FH_MUST_USE fh_status fh_core_receive(fh_mut fh_core *k, fh_owned fh_message *out);
/* FH_SOCK_READABLE, FH_SOCK_WRITABLE, FH_SOCK_HAPPENED. */
uint32_t fh_core_events(fh_mut fh_core *k);
/* A subscription of a SUB or XSUB, or its end. */
FH_MUST_USE fh_status fh_core_subscribe(fh_mut fh_core *k, fh_span prefix, fh_message_kind kind);

/* --- context.c ------------------------------------------------------------------------------------------------------------ */

/* Tells the socket in a slot to look at one of its peers. */
void fh_context_tell(fh_mut fh_sock_context *c, uint32_t box, uint32_t number);

#endif
