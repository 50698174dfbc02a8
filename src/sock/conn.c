/* conn.c: a listener, or a connection with another process: fh_net below, fh_zmtp in it, a link to a socket above (io.h).
 *
 *     lane of the socket  ->  going   ->  session  ->  loop      while less than OUT_MOST bytes wait below
 *     lane to the socket  <-  coming  <-  session  <-  loop      bytes are asked for when all before are in the lane
 *
 * So a socket that does not read holds its peer back, through the window of TCP, and a peer that does not read holds the socket
 * back, through the mark of its lane. A row asks to be looked at again, in due_ns, when nobody else will: for a handshake's or
 * a heartbeat's time, for the next try to connect, for memory.
 *
 * A dialler whose type may speak first has its link before the connection stands. PAIR, PUSH and DEALER keep it over all
 * connections: what was not handed to a session stays in it. All others have a link for each connection, so that sockets see
 * peers come and go as they do over inproc.
 *
 * Invariants: `session` is there from the end of connecting to FH_NET_CLOSED; `coming` is whole or the lane is open; nothing is
 * given to a session while its room is out. Threading: the I/O thread. */
#include "sock/io.h"
#include "sock/parts.h"
#include "sock/zap.h"

#include "freehold/hash.h"

enum { OUT_MOST = 1 << 18, MANY = 64, NS_PER_MS = 1000000 };
static const fh_bytes nothing = {NULL, {NULL, 0}};
#define AGAIN_NS UINT64_C(10000000)
#define FAREWELL_NS UINT64_C(1000000000)

static uint64_t now_of(fh_ref const fh_conn *c) {
    return fh_net_now_ns(c->loop->net);
}

static void be_due(fh_mut fh_conn *c, uint64_t ns) {
    c->due_ns = ns < c->due_ns ? ns : c->due_ns;
    c->loop->next_ns = c->due_ns < c->loop->next_ns ? c->due_ns : c->loop->next_ns;
}

void fh_conn_say(fh_conn *c, fh_sock_happening kind, int64_t value) {
    if (c->terms == NULL || c->terms->monitor == NULL)
        return;
    if (fh_monitor_put(c->terms->monitor, kind, value, c->terms->endpoint))
        fh_context_nudge(c->loop->context, c->terms->box);
}

/* --- life ----------------------------------------------------------------------------------------------------------------- */

fh_status fh_conn_new(fh_allocator *a, fh_terms *terms, fh_conn **out) {
    *out = NULL;
    fh_conn *c = fh_alloc(a, 1, sizeof *c);
    if (c == NULL) {
        fh_terms_free(terms);
        return FH_STATUS(FH_NOMEM);
    }
    c->terms = terms;
    c->due_ns = c->redial_ns = c->end_ns = UINT64_MAX;
    *out = c;
    return FH_DONE;
}

void fh_conn_take_up(fh_conn *c, fh_loop *loop, fh_net_socket socket, bool lent) {
    c->loop = loop;
    c->socket = socket;
    c->is_lent = lent;
    c->leaves = false;
}

static fh_owned_or_null fh_link *take_link(fh_mut fh_conn *c) {
    fh_link *link = c->link;
    c->link = NULL;
    return link;
}

static fh_owned_or_null fh_zmtp *take_session(fh_mut fh_conn *c) {
    fh_zmtp *session = c->session;
    c->session = NULL;
    return session;
}

/* The socket is told: of a message, of room, or of the end. */
static void tell(fh_mut fh_conn *c) {
    FH_ASSERT(c->link != NULL);
    const fh_link_end *socket = fh_link_end_of(c->link, 1);
    uint32_t box = socket->box, number = socket->number;
    fh_context_tell(c->loop->context, box, number);
}

/* What was put into the lane can still be read; nothing else comes. */
static void end_lane(fh_mut fh_conn *c) {
    if (c->link != NULL && !fh_lane_has_ended(fh_link_out(c->link, 0)) && fh_lane_end(fh_link_out(c->link, 0)))
        tell(c);
}

static void end_link(fh_mut fh_conn *c) {
    end_lane(c);
    if (c->link != NULL && fh_lane_leave(fh_link_in(c->link, 0)))
        tell(c);
    fh_link_free(take_link(c));
}

static void end_session(fh_mut fh_conn *c) {
    if (c->has_room_out && c->session != NULL)
        (void)!fh_failed(fh_zmtp_end_io(c->session, now_of(c) / NS_PER_MS, 0));
    c->has_room_out = c->is_asked = false;
    fh_zmtp_free(take_session(c));
}

/* Its handshake is done, or its connection has ended. */
static void end_shake(fh_mut fh_conn *c) {
    if (c->is_counted)
        fh_shakes_leave(&c->loop->context->shakes, &c->at);
    c->is_counted = false;
}

void fh_conn_free(fh_conn *c) {
    if (c == NULL)
        return;
    FH_ASSERT(c->next == NULL);
    fh_allocator *a = c->loop->allocator;
    end_shake(c);
    end_session(c);
    fh_lookup_end(c);
    fh_admit_end(c);
    end_link(c);
    FH_ASSERT(c->lookup == NULL && c->session == NULL && c->link == NULL && c->zap == NULL);
    fh_message_drop(&c->going, a);
    fh_message_drop(&c->coming, a);
    fh_bytes_drop(&c->user);
    fh_bytes_drop(&c->granted);
    fh_terms_free(c->terms);
    fh_free(a, c);
}

/* --- links ---------------------------------------------------------------------------------------------------------------- */

/* A connection of a STREAM: bytes as they are. */
static bool is_raw(fh_ref const fh_conn *c) {
    return c->terms != NULL && c->terms->type == FH_ZMTP_STREAM;
}

static bool tell_about(fh_mut fh_conn *c);

/* A link to the socket, which becomes its peer. The peer's name is known when its handshake is done. */
static fh_status make_link(fh_mut fh_conn *c) {
    fh_link *link;
    fh_bytes identity = {NULL, {NULL, 0}};
    FH_ASSERT(c->terms != NULL && c->link == NULL);
    if (c->terms->peer_name.span.size != 0)
        identity = fh_bytes_share(c->terms->peer_name);
    else if (c->session != NULL)
        FH_TRY(fh_bytes_copy(c->loop->allocator, fh_zmtp_peer_get(c->session).identity, &identity));
    fh_status s = fh_link_new(c->loop->allocator, fh_terms_marks(c->terms), c->terms->endpoint.span, &link);
    if (fh_failed(s)) {
        fh_bytes_drop(&identity);
        return s;
    }
    link->connected.identity = identity;
    link->connected.box = c->loop->box;
    link->connected.number = c->number;
    link->bound.type = c->terms->type;
    link->is_chosen = c->terms->peer_name.span.size != 0;
    fh_link *theirs = fh_link_share(link);
    c->link = link;
    fh_context_deliver(c->loop->context, c->terms->box, theirs);
    return FH_DONE;
}

/* A connection that stands has a link, or will have when there is memory. */
static void have_link(fh_mut fh_conn *c) {
    if (c->link == NULL && !c->is_last && fh_failed(make_link(c)))
        c->is_again = true;
}

/* True if something waits that was not handed to a session. Nobody waits for subscriptions of who is gone. */
static bool has_work(fh_mut fh_conn *c) {
    if (c->is_last && c->terms != NULL && fh_terms_subscribes(c->terms))
        return false;
    return c->has_going || (c->link != NULL && fh_lane_peek(fh_link_in(c->link, 0)));
}

/* --- connecting ----------------------------------------------------------------------------------------------------------- */

fh_status fh_conn_listen(fh_conn *c, int *error) {
    FH_ASSERT(c->terms != NULL);
    fh_net_socket_options options = fh_terms_options(c->terms);
    *error = 0;
    c->state = FH_CONN_DEAD;
    fh_status s = fh_net_listen(c->loop->net, &c->terms->route.to, &options, c->number, &c->socket, NULL);
    if (fh_failed(s)) {
        *error = s.code == FH_IO ? fh_net_error(c->loop->net) : 0;
        fh_conn_say(c, FH_SOCK_IS_BIND_FAILED, *error);
        return s;
    }
    c->state = FH_CONN_LISTENING;
    if (fh_failed(fh_net_local(c->loop->net, c->socket, &c->at)))
        c->at = c->terms->route.to;
    fh_conn_say(c, FH_SOCK_IS_LISTENING, fh_net_descriptor(c->loop->net, c->socket));
    return FH_DONE;
}

/* True for the last connection of a row when nothing is left to be sent, or no time. */
static bool has_no_reason(fh_mut fh_conn *c) {
    return c->is_last && (now_of(c) >= c->end_ns || !has_work(c));
}

/* No connection for now: it comes again after a while, or never. */
static void come_again(fh_mut fh_conn *c) {
    FH_ASSERT(c->terms != NULL);
    uint64_t first = (uint64_t)c->terms->settings.reconnect_ivl, most = (uint64_t)c->terms->settings.reconnect_ivl_max;
    if (!c->dials || c->terms->settings.reconnect_ivl < 0 || has_no_reason(c)) {
        c->state = FH_CONN_DEAD;
        return;
    }
    uint64_t wait = c->wait_ms + (first != 0 ? fh_mix64(c->loop->random++) % first : 1);
    c->wait_ms = most <= first ? first : 2 * c->wait_ms < most ? 2 * c->wait_ms : most;
    c->state = FH_CONN_IDLE;
    c->redial_ns = now_of(c) + wait * NS_PER_MS;
    be_due(c, c->redial_ns);
    fh_conn_say(c, FH_SOCK_IS_CONNECT_RETRIED, (int64_t)wait);
}

static void connect(fh_mut fh_conn *c) {
    fh_address to;
    FH_ASSERT(c->terms != NULL);
    uint64_t again_ns = 0;
    c->redial_ns = 0; /* until there is an address */
    fh_status s = fh_lookup_find(c, &to, &again_ns);
    if (s.code == FH_AGAIN) {
        be_due(c, again_ns);
        return;
    }
    fh_net_socket_options options = fh_terms_options(c->terms);
    if (!fh_failed(s))
        s = fh_net_connect(c->loop->net, &to, &options, c->number, &c->socket, NULL);
    if (fh_failed(s)) {
        fh_conn_say(c, FH_SOCK_IS_CLOSED, 0);
        come_again(c);
        return;
    }
    int64_t timeout_ms = c->terms->settings.connect_timeout;
    c->redial_ns = timeout_ms != 0 ? now_of(c) + (uint64_t)timeout_ms * NS_PER_MS : UINT64_MAX;
    be_due(c, c->redial_ns);
    c->state = FH_CONN_CONNECTING;
    fh_conn_say(c, FH_SOCK_IS_CONNECT_DELAYED, 0);
}

fh_status fh_conn_dial(fh_conn *c) {
    FH_ASSERT(c->terms != NULL);
    c->dials = true;
    c->wait_ms = c->terms->settings.reconnect_ivl > 0 ? (uint64_t)c->terms->settings.reconnect_ivl : 0;
    fh_status s = fh_terms_speaks_first(c->terms) ? make_link(c) : FH_DONE;
    if (fh_failed(s))
        c->state = FH_CONN_DEAD;
    else
        connect(c);
    return s;
}

/* The loop's socket closes; FH_NET_CLOSED comes. */
static void hang_up(fh_mut fh_conn *c) {
    (void)!fh_failed(fh_net_close(c->loop->net, c->socket));
    c->state = FH_CONN_CLOSING;
}

/* A try to connect is over. */
static void give_up(fh_mut fh_conn *c, int error) {
    fh_conn_say(c, FH_SOCK_IS_CLOSED, error);
    hang_up(c);
}

/* The connection stands; the session begins. */
static void shake(fh_mut fh_view(1) fh_conn *c) {
    FH_ASSERT(c->terms != NULL && c->session == NULL);
    if (is_raw(c)) {
        end_shake(c);
        c->state = FH_CONN_UP;
        c->tells_about = c->has_stood = true; /* METADATA or not: its application is told that it stands */
        fh_conn_look(c);
        return;
    }
    fh_status s = fh_terms_session(c->terms, c->loop->allocator, c->loop->pages, now_of(c) / NS_PER_MS, &c->session);
    if (fh_failed(s)) {
        hang_up(c);
        return;
    }
    c->state = FH_CONN_SHAKING;
    fh_conn_look(c);
}

void fh_conn_accepted(fh_conn *c, fh_net_socket s) {
    c->socket = s;
    if (fh_failed(fh_net_user_set(c->loop->net, s, c->number))) {
        hang_up(c);
        return;
    }
    fh_conn_say(c, FH_SOCK_IS_ACCEPTED, fh_net_descriptor(c->loop->net, s));
    shake(c);
}

/* --- out ------------------------------------------------------------------------------------------------------------------ */

/* All that the session shows goes to the loop, as far as that takes it. */
static void flush(fh_mut fh_conn *c) {
    size_t pieces = 0, all = 0;
    fh_status s = FH_DONE;
    if (c->session == NULL || c->is_mute)
        return;
    s = fh_zmtp_out(c->session, &pieces);
    for (size_t i = 0; i < pieces && !fh_failed(s); i++) {
        fh_bytes piece = fh_zmtp_out_share(c->session, i);
        size_t size = piece.span.size;
        s = fh_net_send(c->loop->net, c->socket, &piece);
        all += fh_failed(s) ? 0 : size;
        fh_bytes_drop(&piece);
    }
    c->is_again = c->is_again || s.code == FH_NOMEM || s.code == FH_EXHAUSTED;
    s = fh_zmtp_sent(c->session, all);
    FH_ASSERT(!fh_failed(s));
}

static uint64_t waiting_bytes(fh_mut fh_conn *c) {
    uint64_t shown = c->session != NULL && !c->is_mute ? fh_zmtp_out_bytes(c->session) : 0;
    return shown + fh_net_out_bytes(c->loop->net, c->socket);
}

/* What no session takes, now or ever. */
static bool is_too_large(fh_ref const fh_message *m) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < fh_message_count(m); i++)
        bytes += fh_message_view(m, i).size;
    return fh_message_count(m) >= FH_MESSAGE_PARTS_MAX || bytes > FH_SOCK_WIRE_BYTES_MAX;
}

/* True if there is a message in the lane. While something is on its way below, the row is looked at when that has left, so the
 * socket need not tell of more before: who sends one message after the other would have to tell of most of them. */
static bool has_next(fh_mut fh_conn *c) {
    bool waits = waiting_bytes(c) != 0;
    FH_ASSERT(c->link != NULL);
    fh_lane *lane = fh_link_in(c->link, 0);
    return waits && !lane->conflates ? fh_lane_seen(lane) : fh_lane_look(lane) == FH_LANE_MESSAGE;
}

/* The next message leaves its lane; false when there is none. */
static bool take_going(fh_mut fh_conn *c) {
    if (c->link == NULL)
        return false;
    if (!has_next(c))
        return false;
    bool told = false;
    fh_message m;
    fh_lane_pop(fh_link_in(c->link, 0), &m, &told);
    c->has_going = !is_too_large(&m);
    if (c->has_going)
        fh_message_take(&m, &c->going);
    fh_message_drop(&m, c->loop->allocator);
    c->given = 0;
    if (told)
        tell(c);
    return true;
}

/* A subscription of a SUB or XSUB, a group of a DISH, or the end of one. */
static fh_status give_wish(fh_mut fh_conn *c) {
    FH_ASSERT(c->session != NULL && c->terms != NULL);
    fh_span wish = fh_message_view(&c->going, 0);
    bool begins = c->going.kind == FH_MESSAGE_SUBSCRIBE;
    if (c->terms->type == FH_ZMTP_DISH)
        return begins ? fh_zmtp_join(c->session, wish) : fh_zmtp_leave(c->session, wish);
    return begins ? fh_zmtp_subscribe(c->session, wish) : fh_zmtp_cancel(c->session, wish);
}

/* The parts of a message of a STREAM that the loop has not. */
static fh_status give_raw(fh_mut fh_conn *c) {
    for (; c->given < fh_message_count(&c->going); c->given++) {
        fh_bytes part = fh_message_part(&c->going, c->given);
        fh_status s = part.span.size != 0 ? fh_net_send(c->loop->net, c->socket, &part) : FH_DONE;
        fh_bytes_drop(&part);
        FH_TRY(s);
    }
    return FH_DONE;
}

/* The message that is going, from the first part on that the session has not. */
static fh_status give(fh_mut fh_conn *c) {
    if (is_raw(c))
        return give_raw(c);
    FH_ASSERT(c->session != NULL);
    size_t count = fh_message_count(&c->going);
    if (c->going.kind != FH_MESSAGE_DATA)
        return give_wish(c);
    for (; c->given < count; c->given++) {
        fh_bytes part = fh_message_part(&c->going, c->given);
        fh_status s = fh_zmtp_send(c->session, &part, c->given + 1 < count);
        fh_bytes_drop(&part);
        FH_TRY(s);
    }
    return FH_DONE;
}

/* Messages of one small part go from the lane to the session, as many as fit. False: none has gone. */
static bool give_small(fh_mut fh_conn *c) {
    bool told = false;
    uint64_t waiting = waiting_bytes(c);
    size_t most = waiting < OUT_MOST ? (size_t)(OUT_MOST - waiting) : 0;
    if (c->has_going || c->link == NULL || c->session == NULL ||
        !fh_parts_give(fh_link_in(c->link, 0), c->session, most, &told))
        return false;
    if (told)
        tell(c);
    return true;
}

/* What the socket has sent by now is seen: so many messages. */
static uint64_t see(fh_mut fh_conn *c) {
    if (c->link == NULL || !fh_lane_peek(fh_link_in(c->link, 0)))
        return 0;
    return fh_lane_count(fh_link_in(c->link, 0));
}

/* True if there is more by now, where many came when it was looked at last. */
static bool see_more(fh_mut fh_conn *c, fh_mut uint64_t *seen) {
    *seen = *seen >= MANY ? see(c) : 0;
    return *seen != 0;
}

/* A new connection begins with an empty message, if it is to. False: not yet. */
static bool probe(fh_mut fh_conn *c) {
    fh_bytes empty = nothing;
    fh_status s = c->probes && c->session != NULL ? fh_zmtp_send(c->session, &empty, false) : FH_DONE;
    c->probes = fh_failed(s);
    c->is_again = c->is_again || fh_failed(s);
    return !c->probes;
}

/* Messages go on, as long as the session takes them and not too much waits. */
static void give_out(fh_mut fh_conn *c) {
    bool flushed = false;
    if (!probe(c))
        return;
    uint64_t seen = see(c);
    while (!c->is_mute && waiting_bytes(c) < OUT_MOST &&
           (give_small(c) || c->has_going || take_going(c) || see_more(c, &seen))) {
        fh_status s = c->has_going ? give(c) : FH_DONE;
        if (s.code == FH_EXHAUSTED && !flushed) {
            flush(c);
            flushed = true;
            continue;
        }
        if (s.code == FH_NOMEM || s.code == FH_EXHAUSTED) {
            c->is_again = true;
            return;
        }
        if (fh_failed(s) && s.code != FH_LIMIT)
            return; /* the session has ended; the message has not gone */
        flushed = false;
        c->has_going = false;
        fh_message_clear(&c->going, c->loop->allocator);
    }
}

/* --- in ------------------------------------------------------------------------------------------------------------------- */

/* The socket is told of the peer. False: not yet. */
static bool tell_about(fh_mut fh_conn *c) {
    if (!c->tells_about || c->link == NULL || c->is_last)
        return true;
    if (!fh_lane_is_open(fh_link_out(c->link, 0)))
        return false;
    fh_message m = {0};
    fh_status s = fh_admit_about(c, &m);
    c->is_again = c->is_again || fh_failed(s);
    c->tells_about = fh_failed(s);
    FH_ASSERT(c->link != NULL);
    if (!fh_failed(s) && fh_lane_put(fh_link_out(c->link, 0), &m))
        tell(c);
    fh_message_drop(&m, c->loop->allocator);
    return !c->tells_about;
}

/* There is a link, or none is needed any more. */
static bool is_linked(fh_mut fh_conn *c) {
    if (c->link != NULL || c->is_last || !fh_failed(make_link(c)))
        return true;
    c->is_again = true;
    return false;
}

/* The message that has come goes into the lane. False: there is no room, or no memory for a link. */
static bool deliver(fh_mut fh_conn *c) {
    if (!c->is_whole)
        return true;
    if (!is_linked(c) || !tell_about(c))
        return false;
    c->is_whole = false;
    if (c->link == NULL || c->is_last) {
        fh_message_clear(&c->coming, c->loop->allocator);
        return true;
    }
    if (!fh_lane_is_open(fh_link_out(c->link, 0))) {
        c->is_whole = true;
        return false;
    }
    if (fh_lane_put(fh_link_out(c->link, 0), &c->coming))
        tell(c);
    return true;
}

/* Of a subscriber, or of a DISH. */
static void take_wish(fh_mut fh_conn *c, fh_mut fh_zmtp_event *e) {
    FH_ASSERT(c->terms != NULL);
    bool group = e->kind == FH_ZMTP_JOIN || e->kind == FH_ZMTP_LEAVE;
    bool begins = e->kind == FH_ZMTP_SUBSCRIBE || e->kind == FH_ZMTP_JOIN;
    bool meant = fh_terms_publishes(c->terms) && group == (c->terms->type == FH_ZMTP_RADIO);
    if (!meant || fh_message_count(&c->coming) != 0)
        return;
    fh_status s = fh_message_push(&c->coming, c->loop->allocator, &e->body);
    FH_ASSERT(!fh_failed(s)); /* one part needs no memory */
    c->coming.kind = begins ? FH_MESSAGE_SUBSCRIBE : FH_MESSAGE_CANCEL;
    c->is_whole = true;
}

static void take_event(fh_mut fh_conn *c, fh_mut fh_zmtp_event *e) {
    fh_status s = FH_DONE;
    FH_ASSERT(c->terms != NULL);
    switch (e->kind) {
    case FH_ZMTP_AUTH:
        fh_admit_ask(c, e);
        return;
    case FH_ZMTP_CONNECTED:
        end_shake(c);
        c->state = FH_CONN_UP;
        c->tells_about = c->terms->settings.metadata && !c->terms->settings.conflate;
        c->wait_ms = c->terms->settings.reconnect_ivl > 0 ? (uint64_t)c->terms->settings.reconnect_ivl : 0;
        c->probes = c->terms->settings.probe != 0;
        have_link(c); /* who hears of it can send */
        fh_conn_say(c, FH_SOCK_IS_HANDSHAKE_SUCCEEDED, 0);
        return;
    case FH_ZMTP_PART:
        s = fh_message_push(&c->coming, c->loop->allocator, &e->body);
        FH_ASSERT(!fh_failed(s)); /* there is room since before it came */
        c->is_whole = !e->more;
        return;
    case FH_ZMTP_SUBSCRIBE:
    case FH_ZMTP_CANCEL:
    case FH_ZMTP_JOIN:
    case FH_ZMTP_LEAVE:
        take_wish(c, e);
        return;
    case FH_ZMTP_REFUSED:
        c->verdict = fh_zap_status(e->body.span);
        c->dials = false;
        return;
    case FH_ZMTP_PONG:
    case FH_ZMTP_NONE:
        return;
    }
}

/* Messages of one part go from the session to the lane, as long as there is room for them. */
static void take_parts(fh_mut fh_conn *c) {
    bool waits = c->is_last || c->tells_about || fh_message_count(&c->coming) != 0;
    if (c->state == FH_CONN_UP && !waits && c->link != NULL && c->session != NULL &&
        fh_parts_take(c->session, fh_link_out(c->link, 0)))
        tell(c);
}

/* What the session has comes, until it needs more bytes: FH_AGAIN. FH_BORROWED: until there is room above. */
static fh_status take_in(fh_mut fh_conn *c) {
    for (;;) {
        fh_zmtp_event e;
        if (!deliver(c))
            return FH_STATUS(FH_BORROWED);
        take_parts(c);
        FH_ASSERT(c->session != NULL);
        FH_TRY(fh_admit_answer(c));
        FH_TRY(fh_message_reserve(&c->coming, c->loop->allocator, 1));
        FH_TRY(fh_zmtp_next(c->session, &e, NULL));
        take_event(c, &e);
        fh_zmtp_event_drop(&e);
    }
}

/* --- ends ----------------------------------------------------------------------------------------------------------------- */

static fh_zmtp_fault_kind fault_of(fh_ref const fh_conn *c) {
    return c->session != NULL ? fh_zmtp_fault(c->session) : FH_ZMTP_FAULT_NONE;
}

/* A handshake has failed. */
static void say_unshaken(fh_mut fh_conn *c) {
    fh_zmtp_fault_kind fault = fault_of(c);
    if (c->zap_fault == FH_SOCK_ZAP_MISSING || c->zap_fault == FH_SOCK_ZAP_GONE)
        fh_conn_say(c, FH_SOCK_IS_HANDSHAKE_FAILED, c->zap_fault);
    else if (c->zap_fault != FH_SOCK_ZAP_FINE)
        fh_conn_say(c, FH_SOCK_IS_HANDSHAKE_FAILED_PROTOCOL, c->zap_fault);
    else if (c->verdict != 0 || fault == FH_ZMTP_FAULT_REFUSED)
        fh_conn_say(c, FH_SOCK_IS_HANDSHAKE_FAILED_AUTH, c->verdict);
    else if (fault == FH_ZMTP_FAULT_NONE || fault == FH_ZMTP_FAULT_HANDSHAKE_TIME || fault == FH_ZMTP_FAULT_SILENT)
        fh_conn_say(c, FH_SOCK_IS_HANDSHAKE_FAILED, fault);
    else
        fh_conn_say(c, FH_SOCK_IS_HANDSHAKE_FAILED_PROTOCOL, fault);
}

static void say_lost(fh_mut fh_conn *c) {
    if (c->state != FH_CONN_UP)
        say_unshaken(c);
    fh_conn_say(c, FH_SOCK_IS_DISCONNECTED, fault_of(c));
}

/* The connection is broken. One that is lent goes home first, where this is found again. */
static void lose(fh_mut fh_conn *c) {
    c->leaves = c->is_lent;
    if (c->leaves)
        return;
    say_lost(c);
    hang_up(c);
}

/* The session has ended the connection; its last words, an ERROR for the peer, are given time to leave. Lent: as above. */
static void part_with(fh_mut fh_conn *c) {
    c->leaves = c->is_lent;
    if (c->leaves)
        return;
    say_lost(c);
    flush(c);
    c->state = FH_CONN_PARTING;
    c->redial_ns = now_of(c) + FAREWELL_NS;
    be_due(c, c->redial_ns);
}

/* A dialler whose time has not come. Its socket may speak already. */
static void wait_on(fh_mut fh_conn *c) {
    FH_ASSERT(c->terms != NULL);
    be_due(c, c->redial_ns);
    bool speaks = fh_terms_speaks_first(c->terms) && !is_raw(c); /* of a STREAM only the first connection does */
    if (!c->is_last && c->link == NULL && speaks && fh_failed(make_link(c)))
        be_due(c, now_of(c) + AGAIN_NS);
}

/* The loop has no socket any more. */
static void closed(fh_mut fh_conn *c) {
    FH_ASSERT(c->terms != NULL);
    bool stays = c->dials && fh_terms_speaks_first(c->terms) && !fh_terms_subscribes(c->terms) && !c->has_stood &&
                 (has_work(c) || c->terms->type != FH_ZMTP_REQ);
    end_session(c);
    fh_admit_end(c);
    c->socket.value = 0;
    c->verdict = 0;
    c->zap_fault = FH_SOCK_ZAP_FINE;
    fh_bytes_drop(&c->user);
    c->user = nothing;
    fh_bytes_drop(&c->granted);
    c->granted = nothing;
    c->given = 0;
    c->hold_ns = 0;
    c->has_stood = c->is_ahead = c->is_mute = c->is_shut = c->let_in = c->send_away = c->is_again = c->is_whole = false;
    fh_message_clear(&c->coming, c->loop->allocator);
    if (!stays || c->terms->settings.reconnect_ivl < 0) { /* a REQ hears that nobody answers, a SUB says again what it wants */
        end_link(c);
        c->has_going = false;
        fh_message_clear(&c->going, c->loop->allocator);
    }
    come_again(c);
    if (c->state == FH_CONN_IDLE)
        wait_on(c);
}

/* Nothing is left to be sent. */
static bool is_empty(fh_mut fh_conn *c) {
    return !has_work(c) && waiting_bytes(c) == 0;
}

/* The socket has left. */
static void notice_end(fh_mut fh_conn *c) {
    if (c->is_last || c->link == NULL || !fh_lane_has_ended(fh_link_in(c->link, 0)))
        return;
    FH_ASSERT(c->terms != NULL);
    int64_t linger_ms = c->terms->settings.linger;
    c->is_last = true;
    c->end_ns = linger_ms < 0 ? UINT64_MAX : now_of(c) + (uint64_t)linger_ms * NS_PER_MS;
}

/* All was sent. The peer is told, and waited for: bytes of its that nobody has read would have the system cut the connection,
 * and what is on its way to the peer with it. */
static void bid_farewell(fh_mut fh_conn *c) {
    uint64_t latest = now_of(c) + FAREWELL_NS;
    if (!c->is_shut)
        c->end_ns = latest < c->end_ns ? latest : c->end_ns;
    if (!c->is_shut && fh_failed(fh_net_shutdown(c->loop->net, c->socket)))
        hang_up(c);
    c->is_shut = c->is_mute = true;
}

/* A row that is the last of its kind ends when it may. */
static void settle(fh_mut fh_conn *c) {
    notice_end(c);
    bool over = now_of(c) >= c->end_ns;
    if (!c->is_last)
        return;
    if (c->state == FH_CONN_IDLE && c->lookup == NULL && has_no_reason(c))
        c->state = FH_CONN_DEAD;
    else if (c->state == FH_CONN_LISTENING) {
        fh_conn_say(c, FH_SOCK_IS_CLOSED, 0);
        hang_up(c);
    } else if ((c->state == FH_CONN_CONNECTING || c->state == FH_CONN_SHAKING) && has_no_reason(c))
        hang_up(c);
    else if ((c->state == FH_CONN_UP || c->state == FH_CONN_PARTING) && over)
        hang_up(c);
    else if (c->state == FH_CONN_UP && is_empty(c))
        bid_farewell(c);
    if (c->end_ns > now_of(c))
        be_due(c, c->end_ns);
}

void fh_conn_end(fh_conn *c, uint64_t end_ns) {
    c->is_last = true;
    c->end_ns = end_ns < c->end_ns ? end_ns : c->end_ns;
    end_lane(c);
    if (!c->is_lent) /* else when it comes home */
        fh_conn_look(c);
}

/* --- going on ------------------------------------------------------------------------------------------------------------- */

/* Asks for what comes next: into the session's room, if a large part is arriving. */
static void ask(fh_mut fh_view(1) fh_conn *c) {
    fh_mspan room = {NULL, 0};
    c->has_room_out = c->session != NULL && !fh_failed(fh_zmtp_begin_io(c->session, &room));
    fh_status s = c->has_room_out ? fh_net_receive_into(c->loop->net, c->socket, room)
                                  : fh_net_receive(c->loop->net, c->socket);
    c->is_asked = !fh_failed(s);
    if (c->is_asked)
        return;
    if (c->has_room_out && c->session != NULL)
        (void)!fh_failed(fh_zmtp_end_io(c->session, now_of(c) / NS_PER_MS, 0));
    c->has_room_out = false;
    if (s.code == FH_NOMEM || s.code == FH_EXHAUSTED)
        c->is_again = true;
    else
        lose(c);
}

/* The same, if nothing is asked for; while a handler thinks, once. */
static void ask_on(fh_mut fh_view(1) fh_conn *c) {
    bool thinks = c->zap != NULL;
    if (c->is_asked || (thinks && c->is_ahead))
        return;
    c->is_ahead = thinks;
    ask(c);
}

/* A session's time: PINGs, and ends. Who is held back is not heard, so it is not judged by its silence, nor at once after. */
static fh_status tick(fh_mut fh_conn *c) {
    uint64_t next_ms = UINT64_MAX;
    FH_ASSERT(c->session != NULL && c->terms != NULL);
    const fh_sock_settings *o = &c->terms->settings;
    int64_t patience_ms = o->heartbeat_timeout > 0 ? o->heartbeat_timeout : o->heartbeat_ivl;
    if (c->is_whole && !c->is_asked)
        c->hold_ns = now_of(c) + FAREWELL_NS + (uint64_t)patience_ms * NS_PER_MS;
    if (now_of(c) < c->hold_ns) {
        be_due(c, c->hold_ns);
        return FH_DONE;
    }
    fh_status s = fh_zmtp_tick(c->session, now_of(c) / NS_PER_MS, &next_ms);
    if (next_ms != UINT64_MAX)
        be_due(c, next_ms * NS_PER_MS);
    return s;
}

/* A session goes on, both ways. */
static void work(fh_mut fh_view(1) fh_conn *c) {
    FH_ASSERT(c->session != NULL);
    c->is_again = false;
    if (!fh_admit_hear(c)) {
        lose(c);
        return;
    }
    bool is_busy = c->is_asked && (!c->is_ahead || c->has_room_out);
    fh_status in = is_busy ? FH_STATUS(FH_BORROWED) : take_in(c);
    if (c->state == FH_CONN_UP)
        have_link(c);
    if (c->state == FH_CONN_UP)
        give_out(c);
    fh_status time = tick(c);
    flush(c);
    bool wants = in.code == FH_AGAIN, memory = in.code == FH_NOMEM || in.code == FH_EXHAUSTED;
    bool late = fh_failed(time) && time.code != FH_NOMEM && time.code != FH_EXHAUSTED;
    if (late || (fh_failed(in) && !wants && !memory && in.code != FH_BORROWED)) {
        part_with(c);
        return;
    }
    if (wants)
        ask_on(c);
    if (memory || c->is_again)
        be_due(c, now_of(c) + AGAIN_NS);
}

/* The same of a STREAM. */
static void work_raw(fh_mut fh_view(1) fh_conn *c) {
    c->is_again = false;
    bool taken = c->is_asked || deliver(c);
    have_link(c);
    (void)tell_about(c);
    give_out(c);
    if (taken && !c->is_asked)
        ask(c);
    if (c->is_again)
        be_due(c, now_of(c) + AGAIN_NS);
}

/* Last words leave, for their time at most. */
static void part_on(fh_mut fh_conn *c) {
    if (now_of(c) >= c->redial_ns || c->is_mute || fh_net_out_bytes(c->loop->net, c->socket) == 0)
        hang_up(c);
    else
        be_due(c, c->redial_ns); /* it may have been looked at for an earlier time, as that of a session that has ended */
}

void fh_conn_look(fh_conn *c) {
    uint64_t now = now_of(c);
    if (c->due_ns <= now)
        c->due_ns = UINT64_MAX;
    if (c->state == FH_CONN_IDLE && now >= c->redial_ns)
        connect(c);
    else if (c->state == FH_CONN_IDLE)
        wait_on(c);
    else if (c->state == FH_CONN_CONNECTING && now >= c->redial_ns)
        give_up(c, 0);
    if (c->state == FH_CONN_UP && is_raw(c))
        work_raw(c);
    else if (c->state == FH_CONN_SHAKING || c->state == FH_CONN_UP)
        work(c);
    if (c->state == FH_CONN_PARTING)
        part_on(c);
    settle(c);
}

/* Bytes of a STREAM have come, or the end. */
static void received_raw(fh_mut fh_view(1) fh_conn *c, fh_mut fh_net_event *e) {
    c->is_asked = false;
    fh_status s = e->status;
    if (!fh_failed(s))
        s = fh_message_push(&c->coming, c->loop->allocator, &e->bytes); /* one part needs no memory */
    c->is_whole = !fh_failed(s);
    if (s.code == FH_NOMEM || s.code == FH_EXHAUSTED)
        be_due(c, now_of(c) + AGAIN_NS);
    else if (fh_failed(s))
        lose(c);
    else
        fh_conn_look(c);
}

/* Bytes have come, or the end. */
static void received(fh_mut fh_view(1) fh_conn *c, fh_mut fh_net_event *e) {
    fh_status s = e->status;
    FH_ASSERT(c->session != NULL);
    c->is_asked = false;
    c->hold_ns = 0;
    if (c->has_room_out)
        s = fh_zmtp_end_io(c->session, now_of(c) / NS_PER_MS, fh_failed(e->status) ? 0 : e->count);
    else if (!fh_failed(s))
        s = fh_zmtp_feed(c->session, now_of(c) / NS_PER_MS, &e->bytes);
    c->has_room_out = false;
    s = fh_failed(e->status) ? e->status : s;
    if (s.code == FH_NOMEM || s.code == FH_EXHAUSTED)
        be_due(c, now_of(c) + AGAIN_NS);
    else if (fh_failed(s))
        lose(c);
    else
        fh_conn_look(c);
}

static bool has_session(fh_ref const fh_conn *c) {
    return c->state == FH_CONN_SHAKING || c->state == FH_CONN_UP;
}

void fh_conn_event(fh_conn *c, fh_net_event *e) {
    switch (e->kind) {
    case FH_NET_CONNECTED:
        if (fh_failed(e->status)) {
            give_up(c, e->error);
            return;
        }
        fh_conn_say(c, FH_SOCK_IS_CONNECTED, fh_net_descriptor(c->loop->net, c->socket));
        shake(c);
        return;
    case FH_NET_RECEIVED:
    case FH_NET_FILLED:
        if (has_session(c) && is_raw(c))
            received_raw(c, e);
        else if (has_session(c))
            received(c, e);
        return;
    case FH_NET_SENT:
        c->is_mute = c->is_mute || fh_failed(e->status); /* what has come is read all the same */
        fh_conn_look(c);
        return;
    case FH_NET_CLOSED:
        closed(c);
        return;
    case FH_NET_ACCEPTED:
    case FH_NET_TIMER:
    case FH_NET_WOKEN:
    case FH_NET_NONE:
        return;
    }
}
