/* zmtp_pair.h: two sessions of fh_zmtp over a loop: REQ and REP, or PUB and SUB; what a program above `net` does.
 *
 * Threading: one thread. */
#ifndef ZMTP_PAIR_H
#define ZMTP_PAIR_H

#include "net_scene.h"

#include "freehold/zmtp.h"

enum { ZMTP_ROUNDS = 4, ZMTP_LARGE = 200000 };

/* One end: a session and its connection. */
typedef struct zmtp_end {
    fh_zmtp *z;
    fh_net_socket s;
    bool up, room_out;
    uint64_t parts, filled, subscriptions;
} zmtp_end;

typedef struct zmtp_pair {
    fh_page_source *pages;
    fh_net *net;
    zmtp_end ends[2]; /* 0: bound, REP or PUB; 1: REQ or SUB */
    bool requests;
    size_t large; /* bytes of every fourth part, up to ZMTP_LARGE */
} zmtp_pair;

/* What part `n` of a direction is: small ones, and one that is received in place. */
static inline fh_span zmtp_body(const zmtp_pair *p, uint64_t n) {
    static uint8_t large[ZMTP_LARGE];
    static const uint8_t small[] = "topic: a small message";
    if (large[1] == 0)
        for (size_t i = 0; i < sizeof large; i++)
            large[i] = (uint8_t)(i * 7 + i / 256);
    return n % 4 == 3 ? (fh_span){large, p->large} : (fh_span){small, sizeof small - 1};
}

/* Gives the loop what the session has, and asks for what comes next. */
static inline void zmtp_go_on(zmtp_pair *p, zmtp_end *e) {
    size_t pieces, all = 0;
    fh_mspan room;
    fh_assert_ok(fh_zmtp_out(e->z, &pieces));
    for (size_t i = 0; i < pieces; i++) {
        fh_bytes piece = fh_zmtp_out_share(e->z, i);
        all += piece.span.size;
        fh_assert_ok(fh_net_send(p->net, e->s, &piece));
    }
    fh_assert_ok(fh_zmtp_sent(e->z, all)); /* the loop holds them now */
    if (e->room_out)
        return;
    fh_status s = fh_zmtp_begin_io(e->z, &room);
    if (s.code == FH_OK) {
        s = fh_net_receive_into(p->net, e->s, room);
        e->room_out = true;
    } else {
        fh_assert_code(s, FH_AGAIN);
        s = fh_net_receive(p->net, e->s);
    }
    assert_true(s.code == FH_OK || s.code == FH_BORROWED);
}

static inline void zmtp_say(zmtp_pair *p, zmtp_end *e, fh_span body) {
    fh_bytes bytes;
    if (p->requests) { /* an envelope: an empty part */
        bytes = (fh_bytes){NULL, {NULL, 0}};
        fh_assert_ok(fh_zmtp_send(e->z, &bytes, true));
    }
    fh_assert_ok(fh_page_source_copy(p->pages, body, &bytes));
    fh_assert_ok(fh_zmtp_send(e->z, &bytes, false));
    fh_bytes_drop(&bytes);
}

/* A whole message came. */
static inline void zmtp_hear(zmtp_pair *p, zmtp_end *e, fh_span body) {
    assert_true(fh_span_equal(body, zmtp_body(p, e->parts)));
    e->parts++;
    if (p->requests && e == &p->ends[0])
        zmtp_say(p, e, zmtp_body(p, e->parts - 1));
    if (p->requests && e == &p->ends[1] && e->parts < ZMTP_ROUNDS)
        zmtp_say(p, e, zmtp_body(p, e->parts));
}

static inline void zmtp_listen_to(zmtp_pair *p, zmtp_end *e) {
    fh_zmtp_event event;
    fh_err err;
    fh_err_clear(&err);
    while (fh_zmtp_next(e->z, &event, &err).code == FH_OK) {
        if (event.kind == FH_ZMTP_CONNECTED) {
            e->up = true;
            if (e == &p->ends[1] && p->requests)
                zmtp_say(p, e, zmtp_body(p, 0));
            if (e == &p->ends[1] && !p->requests)
                fh_assert_ok(fh_zmtp_subscribe(e->z, FH_LIT("")));
        }
        if (event.kind == FH_ZMTP_SUBSCRIBE) {
            e->subscriptions++;
            for (uint64_t i = 0; i < ZMTP_ROUNDS; i++)
                zmtp_say(p, e, zmtp_body(p, i));
        }
        if (event.kind == FH_ZMTP_PART && !event.more)
            zmtp_hear(p, e, event.body.span);
        fh_zmtp_event_drop(&event);
    }
    assert_int_equal(fh_zmtp_fault(e->z), FH_ZMTP_FAULT_NONE);
    zmtp_go_on(p, e);
}

static inline void zmtp_begin(void **state, zmtp_pair *p, zmtp_end *e, fh_net_socket s) {
    static const fh_zmtp_socket kinds[2][2] = {{FH_ZMTP_PUB, FH_ZMTP_SUB}, {FH_ZMTP_REP, FH_ZMTP_REQ}};
    fh_zmtp_options options = {.socket = kinds[p->requests][e - p->ends], .bound = e == p->ends};
    fh_err err;
    fh_err_clear(&err);
    e->s = s;
    fh_assert_ok(fh_zmtp_new(fh_test_allocator(state), p->pages, &options, 0, &e->z, &err));
    zmtp_listen_to(p, e);
}

static inline void zmtp_event(void **state, zmtp_pair *p, fh_net_event *e) {
    zmtp_end *end = e->kind == FH_NET_ACCEPTED ? &p->ends[0] : &p->ends[e->user];
    fh_assert_ok(e->status);
    switch (e->kind) {
    case FH_NET_ACCEPTED:
    case FH_NET_CONNECTED:
        zmtp_begin(state, p, end, e->socket);
        break;
    case FH_NET_RECEIVED:
        fh_assert_ok(fh_zmtp_feed(end->z, 0, &e->bytes));
        zmtp_listen_to(p, end);
        break;
    case FH_NET_FILLED:
        end->room_out = false;
        end->filled += e->count;
        fh_assert_ok(fh_zmtp_end_io(end->z, 0, e->count));
        zmtp_listen_to(p, end);
        break;
    case FH_NET_SENT:
        break;
    case FH_NET_NONE:
    case FH_NET_CLOSED:
    case FH_NET_TIMER:
    case FH_NET_WOKEN:
        fail();
    }
}

/* The numbers after an exchange. */
typedef struct zmtp_outcome {
    fh_net_stats stats;
    uint64_t filled;
} zmtp_outcome;

/* ZMTP_ROUNDS questions and answers, or messages to a subscriber, over one connection. */
static inline zmtp_outcome zmtp_exchange(void **state, fh_net_options options, bool requests, size_t large) {
    zmtp_pair p = {.requests = requests, .large = large};
    fh_err err;
    fh_net_socket listener, dialled;
    fh_net_event e;
    fh_address at = address_of("127.0.0.1:*");
    fh_err_clear(&err);
    fh_page_options pages = {.pages_max = 64};
    options.sockets_max = options.timers_max = 8;
    fh_assert_ok(fh_page_source_new(fh_test_allocator(state), &pages, &p.pages));
    fh_assert_ok(fh_net_new(fh_test_allocator(state), p.pages, &options, &p.net, &err));
    fh_assert_ok(fh_net_listen(p.net, &at, NULL, 0, &listener, &err));
    fh_assert_ok(fh_net_local(p.net, listener, &at));
    fh_assert_ok(fh_net_connect(p.net, &at, NULL, 1, &dialled, &err));
    uint64_t end = fh_os_clock_ns() + 60 * SECOND;
    while (p.ends[1].parts < ZMTP_ROUNDS) {
        fh_status s = fh_net_wait(p.net, SECOND);
        assert_true((s.code == FH_OK || s.code == FH_TIMEOUT) && fh_os_clock_ns() < end);
        while (fh_net_next(p.net, &e).code == FH_OK) {
            zmtp_event(state, &p, &e);
            fh_net_event_drop(&e);
        }
    }
    assert_int_equal(p.ends[0].parts, requests ? ZMTP_ROUNDS : 0);
    zmtp_outcome out = {fh_net_stats_get(p.net), p.ends[0].filled + p.ends[1].filled};
    fh_net_free(p.net); /* before the sessions: it may have their rooms */
    for (size_t i = 0; i < 2; i++) {
        if (p.ends[i].room_out)
            fh_assert_ok(fh_zmtp_end_io(p.ends[i].z, 0, 0));
        fh_zmtp_free(p.ends[i].z);
    }
    fh_assert_ok(fh_page_source_check(p.pages, &err));
    assert_int_equal(fh_page_source_stats(p.pages).slabs, 0);
    fh_page_source_free(p.pages);
    return out;
}

#endif
