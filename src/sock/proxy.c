/* proxy.c: messages from one socket to another, both ways, until somebody says that it is enough (sock.h).
 *
 * A message is taken from one side only when the other, and the capture, have room for it: so nothing is held in between, and
 * who controls the proxy is heard at any time. The exception is a ROUTER that was asked to wait for its peers
 * (ROUTER_MANDATORY, XPUB_NODROP): it says that it has room, and then waits.
 *
 * Threading: one thread, for the time of the call. */
#include "freehold/sock.h"

enum { BURST = 1000, SOCKETS_MAX = 4, COUNTER_BYTES = 8 };
enum { FRONT, BACK }; /* places among the items; the others follow, if they are there */

typedef struct proxy {
    fh_mut fh_sock_context *context;
    fh_ref fh_allocator *allocator;
    fh_sock_poll_item items[SOCKETS_MAX];
    size_t count, back, capture, control; /* places; SIZE_MAX: none. Both sides may be one socket, with one place */
    bool paused, over, moved;
    fh_sock_proxy_counts counts;
} proxy;

static fh_sock_poll_item *item(fh_mut proxy *p, size_t i) fh_view(1) {
    return fh_sock_poll_items_at((fh_sock_poll_items){p->items, SOCKETS_MAX}, i);
}

static fh_sock_traffic *traffic(fh_mut proxy *p, size_t side) fh_view(1) {
    return side == FRONT ? &p->counts.frontend : &p->counts.backend;
}

static size_t add(fh_mut proxy *p, fh_sock s) {
    if (s.value == 0)
        return SIZE_MAX;
    item(p, p->count)->socket = s;
    return p->count++;
}

/* What was found, of a socket that may not be there. */
static uint32_t found(fh_mut proxy *p, size_t i) {
    return i != SIZE_MAX ? item(p, i)->found : 0;
}

static void want(fh_mut proxy *p, size_t i, uint32_t what) {
    if (i != SIZE_MAX)
        item(p, i)->wanted |= what;
}

static fh_status look(fh_mut proxy *p, int64_t timeout_ms) {
    size_t count = 0;
    fh_sock_poll_items all = {p->items, SOCKETS_MAX};
    fh_status s = fh_sock_poll(p->context, fh_sock_poll_items_sub(all, 0, p->count), timeout_ms, &count);
    return s.code == FH_TIMEOUT ? FH_DONE : s;
}

/* --- commands ------------------------------------------------------------------------------------------------------------- */

static fh_status push_counter(fh_mut fh_message *m, fh_ref fh_allocator *a, uint64_t value) {
    uint8_t bytes[COUNTER_BYTES] = {0};
    fh_mspan to = {bytes, sizeof bytes};
    fh_mspan_put_u64(to, 0, value);
    return fh_message_push_copy(m, a, fh_span_of_mut(to));
}

static fh_status push_traffic(fh_mut fh_message *m, fh_ref fh_allocator *a, fh_sock_traffic t) {
    FH_TRY(push_counter(m, a, t.messages_in));
    FH_TRY(push_counter(m, a, t.bytes_in));
    FH_TRY(push_counter(m, a, t.messages_out));
    return push_counter(m, a, t.bytes_out);
}

/* A command, and its answer; a REP has to answer to each. */
static fh_status obey(fh_mut proxy *p, fh_span command, fh_mut fh_message *answer) {
    int64_t type = 0;
    if (fh_span_is(command, "PAUSE"))
        p->paused = true;
    else if (fh_span_is(command, "RESUME"))
        p->paused = false;
    else if (fh_span_is(command, "TERMINATE"))
        p->over = true;
    if (fh_span_is(command, "STATISTICS")) {
        FH_TRY(push_traffic(answer, p->allocator, p->counts.frontend));
        return push_traffic(answer, p->allocator, p->counts.backend);
    }
    FH_TRY(fh_sock_get(p->context, item(p, p->control)->socket, FH_SOCK_TYPE, &type));
    return type == FH_ZMTP_REP ? fh_message_push_copy(answer, p->allocator, FH_LIT("")) : FH_DONE;
}

static fh_status take_command(fh_mut proxy *p) {
    if ((found(p, p->control) & FH_SOCK_READABLE) == 0)
        return FH_DONE;
    fh_message m, answer = {0};
    fh_sock control = item(p, p->control)->socket;
    fh_status s = fh_sock_try_receive(p->context, control, &m);
    if (fh_failed(s))
        return s.code == FH_AGAIN ? FH_DONE : s;
    s = obey(p, fh_message_view(&m, 0), &answer);
    if (!fh_failed(s) && fh_message_count(&answer) != 0)
        s = fh_sock_send(p->context, control, &answer);
    fh_message_drop(&answer, p->allocator);
    fh_message_drop(&m, p->allocator);
    p->moved = true;
    return s;
}

/* --- messages ------------------------------------------------------------------------------------------------------------- */

static fh_status has_room(fh_mut proxy *p, size_t i, fh_out bool *room) {
    int64_t events = 0;
    *room = true;
    if (i == SIZE_MAX)
        return FH_DONE;
    FH_TRY(fh_sock_get(p->context, item(p, i)->socket, FH_SOCK_EVENTS, &events));
    *room = (events & FH_SOCK_WRITABLE) != 0;
    item(p, i)->found = (uint32_t)events;
    return FH_DONE;
}

static uint64_t bytes_of(fh_ref const fh_message *m) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < fh_message_count(m); i++)
        bytes += fh_message_view(m, i).size;
    return bytes;
}

static fh_status copy_to_capture(fh_mut proxy *p, fh_ref const fh_message *m) {
    fh_message copy;
    if (p->capture == SIZE_MAX)
        return FH_DONE;
    FH_TRY(fh_message_share(m, p->allocator, &copy));
    fh_status s = fh_sock_send(p->context, item(p, p->capture)->socket, &copy);
    fh_message_drop(&copy, p->allocator);
    return s;
}

/* One message that has come. What is for a peer that is gone is dropped. */
static fh_status pass(fh_mut proxy *p, size_t from, size_t to, fh_mut fh_message *m) {
    uint64_t bytes = bytes_of(m);
    traffic(p, from)->messages_in++;
    traffic(p, from)->bytes_in += bytes;
    FH_TRY(copy_to_capture(p, m));
    fh_status s = fh_sock_send(p->context, item(p, to == BACK ? p->back : FRONT)->socket, m);
    if (fh_failed(s))
        return s.code == FH_NOT_FOUND ? FH_DONE : s;
    traffic(p, to)->messages_out++;
    traffic(p, to)->bytes_out += bytes;
    return FH_DONE;
}

/* What one side has goes to the other. */
static fh_status forward(fh_mut proxy *p, size_t from, size_t to) {
    size_t from_place = from == BACK ? p->back : FRONT, to_place = to == BACK ? p->back : FRONT;
    for (size_t i = 0; i < BURST && (found(p, from_place) & FH_SOCK_READABLE) != 0; i++) {
        bool room = true, kept = false;
        if (to_place != from_place) /* a REP that answers itself has room once it has a question */
            FH_TRY(has_room(p, to_place, &room));
        FH_TRY(has_room(p, p->capture, &kept));
        if (!room || !kept)
            return FH_DONE;
        fh_message m;
        fh_status s = fh_sock_try_receive(p->context, item(p, from_place)->socket, &m);
        if (s.code == FH_AGAIN)
            item(p, from_place)->found &= ~(uint32_t)FH_SOCK_READABLE;
        if (fh_failed(s))
            return s.code == FH_AGAIN ? FH_DONE : s;
        s = pass(p, from, to, &m);
        fh_message_drop(&m, p->allocator);
        FH_TRY(s);
        p->moved = true;
    }
    return FH_DONE;
}

/* What is waited for: messages where there are none, room where there is something to send. */
static void want_way(fh_mut proxy *p, size_t from, size_t to) {
    if ((found(p, from) & FH_SOCK_READABLE) == 0)
        want(p, from, FH_SOCK_READABLE);
    else if (to != from && (found(p, to) & FH_SOCK_WRITABLE) == 0)
        want(p, to, FH_SOCK_WRITABLE);
    else
        want(p, p->capture, FH_SOCK_WRITABLE);
}

static void want_all(fh_mut proxy *p, uint32_t what) {
    for (size_t i = 0; i < p->count; i++)
        item(p, i)->wanted = p->paused ? 0 : what;
    want(p, p->control, FH_SOCK_READABLE);
}

static fh_status turn(fh_mut proxy *p) {
    p->moved = false;
    want_all(p, FH_SOCK_READABLE | FH_SOCK_WRITABLE);
    FH_TRY(look(p, 0));
    FH_TRY(take_command(p));
    if (!p->paused && !p->over)
        FH_TRY(forward(p, FRONT, BACK));
    if (!p->paused && !p->over && p->back != FRONT)
        FH_TRY(forward(p, BACK, FRONT));
    if (p->moved || p->over)
        return FH_DONE;
    want_all(p, 0);
    if (!p->paused)
        want_way(p, FRONT, p->back);
    if (!p->paused && p->back != FRONT)
        want_way(p, p->back, FRONT);
    return look(p, -1);
}

fh_status fh_sock_proxy(fh_sock_context *c, fh_allocator *a, const fh_sock_proxy_sockets *sockets,
                        fh_sock_proxy_counts *counts) {
    proxy p = {.context = c, .allocator = a};
    fh_status s = FH_DONE;
    *counts = (fh_sock_proxy_counts){.frontend = {0}};
    (void)add(&p, sockets->frontend);
    p.back = sockets->backend.value == sockets->frontend.value ? (size_t)FRONT : add(&p, sockets->backend);
    p.capture = add(&p, sockets->capture);
    p.control = add(&p, sockets->control);
    if (sockets->frontend.value == 0 || sockets->backend.value == 0)
        return FH_STATUS(FH_STALE);
    while (!fh_failed(s) && !p.over) {
        s = turn(&p);
        *counts = p.counts;
    }
    return s;
}
