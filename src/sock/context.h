/* context.h: sockets by number, names, and who waits for whom.
 *
 * A slot's word says which life of which socket it has, and whether a thread is at work on it (door.h). Slots never move and
 * live as long as the context, mailbox included: telling needs no care for who is gone.
 *
 * `lock` guards names, newcomers and the list of links that wait for a name; nobody sleeps with it.
 *
 * Invariants: a name is that of one open socket; core is NULL in a slot whose generation is even. Threading: any thread;
 * `core` belongs to who made its slot busy. */
#ifndef FH_SOCK_CONTEXT_H
#define FH_SOCK_CONTEXT_H

#include "sock/core.h"
#include "sock/door.h"
#include "sock/mailbox.h"
#include "sock/shakes.h"

enum { FH_NEWCOMERS = FH_SOCK_PEERS_MAX }; /* what a mailbox says when no peer, but a link for a new one, has come */

typedef struct fh_sock_slot {
    uint64_t word;
    fh_owned_or_null fh_core *core;
    fh_link_list newcomers; /* the context's lock */
    uint32_t bell;          /* a descriptor + 1, once it has one: rung when the socket is told */
    uint32_t seat_lock, seat_bell; /* of whoever waits for its connection (drive.h); its bell rings under the lock, or it may be
                                      another file's by then */
    fh_owned fh_u32s bells;        /* of others who wait outside: descriptors; changed inside, and under that lock */
    uint32_t bells_used;
    fh_mailbox box;
} fh_sock_slot;
FH_SPAN_DEFINE(sock_slot, fh_sock_slot);
FH_ARRAY_DEFINE(sock_slot);

/* What who connects wants to know of who has bound. */
typedef struct fh_sock_name {
    fh_owned fh_bytes name, identity; /* an empty name: a free row */
    uint32_t box;
    fh_zmtp_socket type;
    int64_t send_mark, receive_mark;
    bool conflates;
} fh_sock_name;
FH_SPAN_DEFINE(sock_name, fh_sock_name);
FH_ARRAY_DEFINE(sock_name);

typedef struct fh_io fh_io;
typedef struct fh_io_place {
    fh_owned_or_null fh_page_source *pages; /* of what is received */
    fh_owned_or_null fh_io *io;
} fh_io_place;
FH_SPAN_DEFINE(io_place, fh_io_place);
FH_ARRAY_DEFINE(io_place);

struct fh_sock_context {
    fh_ref fh_allocator *allocator;
    bool is_simulated;
    fh_net_sim_options sim;
    uint32_t io_state;               /* of the I/O threads: 0: none, 1: somebody makes them, 2: they are there */
    fh_owned fh_io_places ios;       /* written before io_state becomes 2 */
    fh_owned fh_shakes shakes;       /* as `ios` */
    uint32_t lookups;                /* names that the system is asked for now */
    uint64_t endpoints;              /* counts those of tcp and ipc */
    fh_owned fh_sock_slots slots;
    uint32_t lock, stopped;            /* stopped: 1: calls are refused, 2: and nothing is waited for */
    bool interrupts;
    uint32_t polls;                    /* counts what was told to sockets that somebody polls; polls sleep here */
    fh_owned fh_sock_names names;      /* `lock` */
    fh_link_list waiting;     /* `lock`: connected to a name that nobody has; the last first */
    fh_link_list turned;      /* `lock`: empty but while somebody goes through `waiting` from its other end */
};

/* Makes a slot this thread's; one that is shared is waited for. FH_STALE, FH_BORROWED. */
FH_MUST_USE fh_status fh_context_enter(fh_mut fh_sock_context *c, fh_sock s, fh_out fh_view(1) fh_core **core);
/* The same, and nobody drives its connection (drive.h): for all calls but those that send and receive. */
FH_MUST_USE fh_status fh_context_enter_undriven(fh_mut fh_sock_context *c, fh_sock s, fh_out fh_view(1) fh_core **core);
/* The slot of a number that was entered, and its socket. */
static inline fh_sock_slot *fh_context_slot(fh_ref fh_sock_context *c, fh_sock s) fh_view(1) {
    return fh_sock_slots_at(c->slots, fh_door_index(s.value));
}
static inline fh_core *fh_context_core(fh_ref fh_sock_context *c, fh_sock s) fh_view(1) {
    fh_core *k = fh_context_slot(c, s)->core;
    FH_ASSERT(k != NULL);
    return k;
}
/* Nobody waits for it elsewhere any more, unless it has a bell, where somebody always may. */
static inline void fh_context_unmark(fh_ref fh_sock_slot *slot) {
    if (fh_load(&slot->bell, FH_RELAXED) == 0)
        fh_mailbox_watch(&slot->box, false);
}
/* One more, or one fewer, waits elsewhere for a socket that was entered. */
static inline void fh_context_watch(fh_mut fh_sock_context *c, fh_sock s) {
    fh_context_core(c, s)->watchers++;
    fh_mailbox_watch(&fh_context_slot(c, s)->box, true);
}
static inline void fh_context_unwatch(fh_mut fh_sock_context *c, fh_sock s) {
    if (--fh_context_core(c, s)->watchers == 0)
        fh_context_unmark(fh_context_slot(c, s));
}
/* Gives it back. */
static inline void fh_context_leave(fh_mut fh_sock_context *c, fh_sock s) {
    fh_door_leave(&fh_context_slot(c, s)->word, s.value);
}
/* Where a socket is told. */
static inline fh_mailbox *fh_context_box(fh_mut fh_core *k) fh_view(1) {
    return &fh_sock_slots_at(k->context->slots, k->box)->box;
}
/* Looks at all that a socket was told. FH_CANCELED; FH_NOMEM: the rest is told again. */
FH_MUST_USE fh_status fh_context_attend_to(fh_mut fh_core *k);
/* The same, if there is something. */
FH_MUST_USE static inline fh_status fh_context_attend(fh_mut fh_core *k) {
    bool hears = k->hears && fh_turn_peek(&k->readers) != FH_NO_PEER;
    bool told = fh_load(&k->context->stopped, FH_ACQUIRE) != 0 || fh_mailbox_has_news(fh_context_box(k));
    return FH_UNLIKELY(hears || told) ? fh_context_attend_to(k) : FH_DONE;
}
/* Wakes the socket in a slot, and who polls it, with nothing to look at. */
void fh_context_nudge(fh_mut fh_sock_context *c, uint32_t box);
/* Gives a slot back when there is another peer, or one fewer: who sleeps in it looks again. */
static inline void fh_context_leave_changed(fh_mut fh_sock_context *c, fh_sock s) {
    if (fh_door_is_shared(s.value))
        fh_context_nudge(c, fh_door_index(s.value));
    fh_context_leave(c, s);
}
bool fh_context_stopped(fh_ref const fh_sock_context *c);
/* True if nothing is waited for any more. */
bool fh_context_hurries(fh_ref const fh_sock_context *c);

/* names.c. Errors are those of sock.h. */
FH_MUST_USE fh_status fh_context_bind(fh_mut fh_core *k, fh_span name);
FH_MUST_USE fh_status fh_context_connect(fh_mut fh_core *k, fh_span name);
FH_MUST_USE fh_status fh_context_unbind(fh_mut fh_core *k, fh_span name);
/* A socket ends: its names are free, and who wanted to come is sent away. */
void fh_context_forget(fh_mut fh_core *k);
/* Those who connected to a name of this socket become its peers. FH_NOMEM: the others are left for the next time. */
FH_MUST_USE fh_status fh_context_admit(fh_mut fh_core *k);
/* A link whose side 0 is nobody's socket becomes a peer of the REP or ROUTER that has its name. FH_NOT_FOUND. */
FH_MUST_USE fh_status fh_context_call(fh_mut fh_sock_context *c, fh_move fh_link *link);
/* A link becomes one of the peers of the socket in a slot, which is open. */
void fh_context_deliver(fh_mut fh_sock_context *c, uint32_t box, fh_move fh_link *link);
/* Drops the links that wait. */
void fh_context_end_waiting(fh_mut fh_sock_context *c);

#endif
