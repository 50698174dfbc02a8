/* core.h: what a socket is made of: its peers, whose turn it is to be read and to be written to, and what its pattern keeps.
 *
 *     context.c   numbers, names, who is told            peers.c    who is connected
 *     pattern.c   sending and receiving, type by type    sock.c     waiting, options, polls
 *
 * A peer is a row; its number stays while it is connected, and is what the other side tells this one. `readers` are the peers
 * that have something, `writers` those that have room: as far as is known, a look may find that it is not so any more.
 *
 * The row of a peer of an XPUB that has gone stays its own until all that it wanted is among what is heard, or needs not be.
 *
 * Invariants: a live row has a link, others have none: free ones, and those of `goers`; a peer that is not in `readers`
 * (`writers`) has been told to tell.
 * Threading: one thread at a time, who has entered the slot. */
#ifndef FH_SOCK_CORE_H
#define FH_SOCK_CORE_H

#include "proto/reqrep.h"
#include "proto/subscriptions.h"
#include "proto/turn.h"
#include "sock/link.h"
#include "sock/monitor.h"

/* What a message is. */
typedef enum fh_message_kind {
    FH_MESSAGE_DATA, FH_MESSAGE_SUBSCRIBE, FH_MESSAGE_CANCEL,
    FH_MESSAGE_ABOUT /* of a connection: what is known of the peer that sends what follows */
} fh_message_kind;

/* Of what an XPUB has heard: the kind, and above it the row and the life of who said it. */
enum { FH_HEARD_KIND = 0xff, FH_HEARD_ROW_SHIFT = 8, FH_HEARD_LIFE_SHIFT = 20, FH_HEARD_BITS = 0xfff };
enum { FH_UPSTREAM_MARK = 8192, FH_ENVELOPE_MAX = 64, FH_WANTED_MAX = 16 << 20, FH_WANTED_EACH = 64 };

#define FH_ALL_SAID SIZE_MAX

typedef struct fh_peer {
    fh_owned_or_null fh_link *link;
    fh_owned fh_bytes identity; /* of a ROUTER's */
    uint64_t wanted;            /* what its subscriptions cost, about, in bytes */
    uint32_t side, chain;       /* the next row with such an identity, the next free one, or goer: its number + 1 */
    uint32_t life;              /* how many peers this row has had */
    fh_owned fh_message about;  /* what is known of it */
    bool comes;                 /* the application is to be told of it, before anything that it sent */
    size_t said;                /* of a publisher: rows of what this socket wants that it was told since it came */
    bool missed;                /* it had no room for a wish since: all are to be said again */
    size_t forgotten;           /* of one that has gone: rows of the index that were looked through */
} fh_peer;
FH_SPAN_DEFINE(peer, fh_peer);
FH_ARRAY_DEFINE(peer);

#define FH_SETTING(name, field, number, value, least, most) int64_t field;
typedef struct fh_sock_settings {
    FH_SOCK_OPTIONS(FH_SETTING)
} fh_sock_settings;
#undef FH_SETTING

/* What fh_sock_secure says. */
enum { FH_SECRET_MAX = 255 };
typedef struct fh_secret {
    uint32_t size;
    uint8_t bytes[FH_SECRET_MAX];
} fh_secret;
typedef struct fh_secrets {
    fh_zmtp_mechanism mechanism;
    bool server;
    fh_secret username, password, public_key, secret_key, server_key, domain;
} fh_secrets;

typedef struct fh_core {
    fh_ref fh_allocator *allocator;
    fh_mut fh_sock_context *context;
    fh_zmtp_socket type;
    uint32_t box; /* its slot's */
    bool hears;   /* it has to look at what comes by itself: subscriptions, or what is dropped */
    fh_sock_settings settings;
    fh_owned fh_bytes identity, last_endpoint;
    fh_owned fh_bytes welcome;   /* of an XPUB, to new subscribers */
    fh_owned fh_bytes next_name; /* of a ROUTER or STREAM: for the peer that it connects to next */
    fh_secrets secrets;
    fh_owned_or_null fh_monitor *monitor;
    bool drives;      /* the connection of `driven`, in this call (drive.h) */
    uint32_t driven;  /* the peer whose connection it would like to drive + 1; 0: none */
    uint32_t waits;   /* since it was called for anything but messages */
    uint32_t watchers; /* who waits for it elsewhere: in polls, at bells of their own */
    uint32_t io_listens, io_rooms; /* I/O threads, as bits: where it listens; where it has connections, or may have some */

    fh_link_list arrivals; /* those that are to become peers, the first first */
    fh_owned fh_peers peers;
    uint32_t peers_used, peer_free, peers_live;
    uint32_t goers; /* of an XPUB: the first row of a peer that has gone, whose subscriptions did not all end yet, + 1 */
    fh_owned fh_turn readers, writers;
    fh_owned fh_u32s cells; /* of a ROUTER: the first row of each chain of identities + 1 */
    uint64_t secret;        /* of the hashes of identities */
    uint32_t name_next;     /* of a ROUTER: for a peer without an identity */

    fh_owned fh_subscription_index wants; /* of peers; of a subscriber: its own, as peer 0 */
    fh_owned fh_u32s matched;             /* room for the numbers of all peers */
    fh_owned fh_subscription_index asked; /* of an XPUB with XPUB_MANUAL: what its subscribers asked for */
    fh_owned fh_lane heard;               /* of an XPUB: what its subscribers said; in `kind`, whose it is */
    uint32_t heard_last;                  /* of an XPUB: the kind of the wish that was received last; 0: none */
    uint32_t request;                     /* of a REQ: the number of its question */
    uint32_t last_routing_id;
    uint32_t sender; /* of the message that was received last: its row, if it is still there */
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
/* A number for a new peer of a SERVER or PEER, which is the last routing id then. FH_NOMEM. */
FH_MUST_USE fh_status fh_core_next_id(fh_mut fh_core *k, fh_owned fh_bytes *out);
/* True for the peer that this socket connected to under the name. */
bool fh_core_connected(fh_ref const fh_core *k, uint32_t number, fh_span name);
/* A peer goes. What was sent to it can still be read there. */
void fh_core_leave(fh_mut fh_core *k, uint32_t number);
/* A peer has told: it may have something, or room. */
void fh_core_look(fh_mut fh_core *k, uint32_t number);
/* Gives what subscribers said to the index, and takes out what those had who have gone, as far as there is room for what an
 * XPUB hears; what is sent to a socket that only
 * sends is dropped. FH_NOMEM. */
FH_MUST_USE fh_status fh_core_hear(fh_mut fh_core *k);
/* The peer with an identity, or FH_NO_PEER. */
uint32_t fh_core_find(fh_ref const fh_core *k, fh_span identity);
/* True for the number of a peer. */
static inline bool fh_core_has(fh_ref const fh_core *k, uint32_t number) {
    return number < k->peers_used && fh_peers_at(k->peers, number)->link != NULL;
}
/* The lane to a peer, or from it. */
static inline fh_lane *fh_core_out(fh_mut fh_core *k, uint32_t number) fh_view(1) {
    fh_peer *p = fh_peers_at(k->peers, number);
    FH_ASSERT(p->link != NULL);
    return fh_link_out(p->link, p->side);
}
static inline fh_lane *fh_core_in(fh_mut fh_core *k, uint32_t number) fh_view(1) {
    fh_peer *p = fh_peers_at(k->peers, number);
    FH_ASSERT(p->link != NULL);
    return fh_link_in(p->link, p->side);
}
/* The other side of a peer's link is told to look. */
void fh_core_tell(fh_mut fh_core *k, uint32_t number);
/* Puts a message into a lane that is open. */
static inline void fh_core_put(fh_mut fh_core *k, uint32_t number, fh_mut fh_message *m) {
    if (fh_lane_put(fh_core_out(k, number), m))
        fh_core_tell(k, number);
}
/* True if the application is to be told, now, that a peer has come, or has gone. */
FH_MUST_USE bool fh_core_has_notice(fh_mut fh_core *k, uint32_t number);
/* The peer whose message of kind `kind` was heard, or FH_NO_PEER. */
uint32_t fh_core_heard_peer(fh_ref const fh_core *k, uint32_t kind);
/* What an index of groups has for a group: no other one begins so. False for more than FH_ZMTP_GROUP_MAX
 * bytes, for none, and for a 0 among them. */
typedef struct fh_group_key {
    uint8_t bytes[FH_ZMTP_GROUP_MAX + 1];
    uint32_t size;
} fh_group_key;
FH_MUST_USE bool fh_group_key_of(fh_span group, fh_out fh_group_key *key);
fh_span fh_group_key_view(fh_ref const fh_group_key *key) fh_view(1);
/* True if a peer has room, and is still there. */
FH_MUST_USE static inline bool fh_core_has_room(fh_mut fh_core *k, uint32_t number) {
    return fh_core_has(k, number) && !fh_lane_has_ended(fh_core_in(k, number)) && fh_lane_is_open(fh_core_out(k, number));
}
/* Whose turn it is to be read from, or to be written to; FH_NO_PEER. */
uint32_t fh_core_find_reader(fh_mut fh_core *k);
uint32_t fh_core_find_writer(fh_mut fh_core *k);
static inline uint32_t fh_core_reader(fh_mut fh_core *k) {
    uint32_t n = fh_turn_peek(&k->readers);
    if (FH_LIKELY(n != FH_NO_PEER && fh_lane_peek(fh_core_in(k, n)) &&
                  fh_lane_first(fh_core_in(k, n))->kind != FH_MESSAGE_ABOUT))
        return n;
    return fh_core_find_reader(k);
}
static inline uint32_t fh_core_writer(fh_mut fh_core *k) {
    uint32_t n = fh_turn_peek(&k->writers);
    return FH_LIKELY(n != FH_NO_PEER && fh_core_has_room(k, n)) ? n : fh_core_find_writer(k);
}

/* Whether a named peer is there, and has room. FH_NOT_FOUND, FH_AGAIN, FH_UNSUPPORTED. */
FH_MUST_USE fh_status fh_core_has_peer(fh_mut fh_core *k, fh_span name);

/* --- pattern.c ------------------------------------------------------------------------------------------------------------ */

/* What a type can do: PUB, XPUB, RADIO; SUB, XSUB, DISH; ROUTER, STREAM, SERVER, PEER. */
bool fh_core_publishes(fh_ref const fh_core *k);
bool fh_core_subscribes(fh_ref const fh_core *k);
bool fh_core_names_peers(fh_ref const fh_core *k);
/* True for XPUB_MANUAL, also with the last value. */
bool fh_core_is_manual(fh_ref const fh_core *k);
bool fh_core_sends(fh_ref const fh_core *k);
bool fh_core_receives(fh_ref const fh_core *k);
/* fh_sock_try_send and fh_sock_try_receive. */
FH_MUST_USE fh_status fh_core_send(fh_mut fh_core *k, fh_mut fh_message *m);
FH_MUST_USE fh_status fh_core_receive(fh_mut fh_core *k, fh_owned fh_message *out);
/* fh_sock_about. */
FH_MUST_USE fh_status fh_core_about(fh_ref const fh_core *k, fh_owned fh_message *out);
/* fh_sock_may_send. */
FH_MUST_USE fh_status fh_core_may_send(fh_mut fh_core *k, fh_span first);
/* FH_SOCK_READABLE, FH_SOCK_WRITABLE, FH_SOCK_HAPPENED. */
uint32_t fh_core_events(fh_mut fh_core *k);
/* A subscription of a SUB, XSUB or DISH, or its end; of an XPUB, for the peer that was heard last. */
FH_MUST_USE fh_status fh_core_subscribe(fh_mut fh_core *k, fh_span prefix, fh_message_kind kind);

/* --- context.c ------------------------------------------------------------------------------------------------------------ */

/* Tells the socket in a slot to look at one of its peers. */
void fh_context_tell(fh_mut fh_sock_context *c, uint32_t box, uint32_t number);

#endif
