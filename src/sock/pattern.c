/* pattern.c: what each type of socket does with a message (RFC 28 to 31): to whom it goes, from whom it is taken, and what of
 * it the application sees.
 *
 * A message is taken from its lane only when nothing can fail any more: what needs memory is done to it in place, before.
 * Threading: core.h. */
#include "sock/core.h"

static bool is(fh_ref const fh_core *k, unsigned types) {
    return (1u << k->type & types) != 0;
}

bool fh_core_sends(const fh_core *k) {
    return !is(k, FH_ZMTP_BIT(PULL) | FH_ZMTP_BIT(SUB));
}

bool fh_core_receives(const fh_core *k) {
    return !is(k, FH_ZMTP_BIT(PUSH) | FH_ZMTP_BIT(PUB));
}

/* --- sending -------------------------------------------------------------------------------------------------------------- */

/* PAIR, PUSH, DEALER: to the next peer that has room (RFC 28, 30: "SHALL consider a peer as available only when it has an
 * outgoing queue that is not full", "SHALL route … using a round-robin strategy"). */
static fh_status send_next(fh_mut fh_core *k, fh_mut fh_message *m) {
    uint32_t peer = fh_core_writer(k);
    if (peer == FH_NO_PEER)
        return FH_STATUS(FH_AGAIN);
    fh_core_put(k, peer, m);
    (void)fh_turn_take(&k->writers);
    return FH_DONE;
}

/* Puts an empty part in front; there is room for it. */
static void put_delimiter(fh_mut fh_core *k, fh_mut fh_message *m, size_t at) {
    fh_bytes empty = {NULL, {NULL, 0}};
    fh_status s = fh_message_insert(m, k->allocator, at, &empty);
    FH_ASSERT(!fh_failed(s));
}

/* Takes the first message of the peer whose turn it is; the turn goes on. */
static void take(fh_mut fh_core *k, uint32_t peer, fh_owned fh_message *out) {
    bool tell = false;
    fh_lane_pop(fh_core_in(k, peer), out, &tell);
    if (tell)
        fh_core_tell(k, peer);
    (void)fh_turn_take(&k->readers);
}

/* What is there before a request is sent is no answer to it. A peer that sends on and on is not waited for. */
static void drop_early(fh_mut fh_core *k) {
    for (size_t i = 0; i < FH_SOCK_MARK_MAX; i++) {
        uint32_t peer = fh_core_reader(k);
        if (peer == FH_NO_PEER)
            return;
        fh_message m;
        take(k, peer, &m);
        fh_message_drop(&m, k->allocator);
    }
}

static fh_status send_request(fh_mut fh_core *k, fh_mut fh_message *m) {
    if (k->req.waits)
        return FH_STATUS(FH_INVALID);
    k->request_lost = false;
    FH_TRY(fh_message_reserve(m, k->allocator, 1));
    drop_early(k);
    uint32_t peer = fh_core_writer(k);
    if (peer == FH_NO_PEER)
        return FH_STATUS(FH_AGAIN);
    put_delimiter(k, m, 0);
    FH_TRY(fh_req_sent(&k->req, peer));
    return send_next(k, m);
}

/* RFC 28: REP "SHALL prepend the address envelope and delimiter", and "SHALL send the message … or discard it silently". */
static fh_status send_reply(fh_mut fh_core *k, fh_mut fh_message *m) {
    if (!k->rep.has_request)
        return FH_STATUS(FH_INVALID);
    FH_TRY(fh_message_reserve(m, k->allocator, k->rep.envelope.count));
    fh_bytes address;
    for (size_t i = 0; fh_rep_next_address(&k->rep, &address); i++) {
        fh_status s = fh_message_insert(m, k->allocator, i, &address);
        fh_bytes_drop(&address);
        FH_ASSERT(!fh_failed(s));
    }
    if (fh_core_has_room(k, k->rep.peer))
        fh_core_put(k, k->rep.peer, m);
    fh_message_clear(m, k->allocator);
    fh_rep_answered(&k->rep);
    return FH_DONE;
}

/* RFC 28: ROUTER "SHALL remove the first frame", and "SHALL drop" what goes nowhere, or tell, if it is asked to. */
static fh_status send_routed(fh_mut fh_core *k, fh_mut fh_message *m) {
    uint32_t peer = fh_core_find(k, fh_message_view(m, 0));
    bool mandatory = k->settings.mandatory;
    if (mandatory && (peer == FH_NO_PEER || fh_lane_has_ended(fh_core_in(k, peer))))
        return FH_STATUS(FH_NOT_FOUND);
    bool room = peer != FH_NO_PEER && fh_core_has_room(k, peer);
    if (mandatory && !room)
        return FH_STATUS(FH_AGAIN);
    fh_bytes identity = fh_message_shift(m);
    fh_bytes_drop(&identity);
    if (room && fh_message_count(m) != 0)
        fh_core_put(k, peer, m);
    fh_message_clear(m, k->allocator);
    return FH_DONE;
}

/* To those peers that have room. RFC 29: PUB and XPUB "SHALL NOT block"; they drop for a subscriber whose queue is full. */
static void send_to(fh_mut fh_core *k, fh_mut fh_message *m, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t peer = fh_u32s_get(k->matched, i);
        fh_message copy = {0};
        if (fh_core_has_room(k, peer) && !fh_failed(fh_message_share(m, k->allocator, &copy)))
            fh_core_put(k, peer, &copy);
        fh_message_drop(&copy, k->allocator);
    }
    fh_message_clear(m, k->allocator);
}

static size_t all_peers(fh_mut fh_core *k) {
    size_t count = 0;
    for (uint32_t i = 0; i < k->peers_used; i++)
        if (fh_core_has(k, i))
            fh_u32s_set(k->matched, count++, i);
    return count;
}

/* The first byte of a message of one part, which an XSUB subscribes with. */
static bool is_subscription(fh_ref const fh_message *m) {
    fh_span part = fh_message_view(m, 0);
    return fh_message_count(m) == 1 && part.size != 0 && fh_span_at(part, 0) <= 1;
}

static fh_status send_upstream(fh_mut fh_core *k, fh_mut fh_message *m) {
    if (is_subscription(m)) {
        fh_span part = fh_message_view(m, 0);
        fh_message_kind kind = fh_span_at(part, 0) == 1 ? FH_MESSAGE_SUBSCRIBE : FH_MESSAGE_CANCEL;
        fh_status s = fh_core_subscribe(k, fh_span_from(part, 1), kind);
        if (fh_failed(s) && s.code != FH_NOT_FOUND)
            return s;
        fh_message_clear(m, k->allocator);
        return FH_DONE;
    }
    send_to(k, m, all_peers(k));
    return FH_DONE;
}

fh_status fh_core_send(fh_core *k, fh_message *m) {
    if (!fh_core_sends(k))
        return FH_STATUS(FH_UNSUPPORTED);
    if (fh_message_count(m) == 0)
        return FH_STATUS(FH_INVALID);
    if (k->type == FH_ZMTP_REQ)
        return send_request(k, m);
    if (k->type == FH_ZMTP_REP)
        return send_reply(k, m);
    if (k->type == FH_ZMTP_ROUTER)
        return send_routed(k, m);
    if (k->type == FH_ZMTP_XSUB)
        return send_upstream(k, m);
    if (is(k, FH_ZMTP_BIT(PUB) | FH_ZMTP_BIT(XPUB))) {
        send_to(k, m, fh_subscription_match(&k->wants, fh_message_view(m, 0), k->matched));
        return FH_DONE;
    }
    return send_next(k, m);
}

/* --- subscriptions -------------------------------------------------------------------------------------------------------- */

/* All publishers have room for one more, or none is told. */
fh_status fh_core_subscribe(fh_core *k, fh_span prefix, fh_message_kind kind) {
    bool news = false;
    fh_bytes part;
    fh_message m = {0};
    size_t count = all_peers(k);
    for (size_t i = 0; i < count; i++)
        if (!fh_lane_is_open(fh_core_out(k, fh_u32s_get(k->matched, i))))
            return FH_STATUS(FH_EXHAUSTED);
    FH_TRY(fh_bytes_copy(k->allocator, prefix, &part));
    fh_status s = kind == FH_MESSAGE_SUBSCRIBE ? fh_subscription_add(&k->wants, 0, part.span, &news)
                                               : fh_subscription_cancel(&k->wants, 0, part.span, &news);
    if (!fh_failed(s))
        s = fh_message_push(&m, k->allocator, &part);
    m.kind = kind;
    if (!fh_failed(s))
        send_to(k, &m, count);
    fh_message_drop(&m, k->allocator);
    fh_bytes_drop(&part);
    return s;
}

/* --- receiving ------------------------------------------------------------------------------------------------------------ */

/* PULL, PAIR, DEALER (RFC 28, 30: "SHALL receive … using a fair-queuing strategy"). */
static fh_status receive_next(fh_mut fh_core *k, fh_owned fh_message *out) {
    uint32_t peer = fh_core_reader(k);
    *out = (fh_message){0};
    if (peer == FH_NO_PEER)
        return FH_STATUS(FH_AGAIN);
    take(k, peer, out);
    return FH_DONE;
}

/* Only what was subscribed: a publisher may not have heard yet that something is not wanted any more. */
static fh_status receive_wanted(fh_mut fh_core *k, fh_owned fh_message *out) {
    *out = (fh_message){0};
    for (;;) {
        fh_message m;
        FH_TRY(receive_next(k, &m));
        if (fh_subscription_match(&k->wants, fh_message_view(&m, 0), k->matched) != 0) {
            *out = m;
            return FH_DONE;
        }
        fh_message_drop(&m, k->allocator);
    }
}

static fh_status receive_reply(fh_mut fh_core *k, fh_owned fh_message *out) {
    *out = (fh_message){0};
    for (;;) {
        uint32_t peer = fh_core_reader(k);
        if (peer == FH_NO_PEER)
            break;
        fh_part_use use = FH_PART_DISCARD;
        fh_message m;
        take(k, peer, &m);
        for (size_t i = 0, count = fh_message_count(&m); i < count; i++)
            use = fh_req_part(&k->req, peer, fh_message_view(&m, i), i + 1 < count);
        if (use == FH_PART_DELIVER) {
            fh_bytes delimiter = fh_message_shift(&m);
            fh_bytes_drop(&delimiter);
            *out = m;
            return FH_DONE;
        }
        fh_message_drop(&m, k->allocator);
    }
    bool lost = k->request_lost;
    k->request_lost = false;
    return FH_STATUS(k->req.waits ? FH_AGAIN : lost ? FH_END : FH_INVALID);
}

/* One message goes through the machine, which keeps the envelope; true if a body is left. */
static bool is_request(fh_mut fh_core *k, uint32_t peer, fh_mut fh_message *m) {
    size_t count = fh_message_count(m), kept = 0;
    fh_part_use use = FH_PART_DISCARD;
    for (size_t i = 0; i < count; i++) {
        fh_bytes part = fh_message_part(m, i);
        fh_status s = fh_rep_part(&k->rep, peer, part, i + 1 < count, &use);
        FH_ASSERT(!fh_failed(s)); /* there is room for an envelope since the socket was made */
        kept += use == FH_PART_KEEP;
        fh_bytes_drop(&part);
    }
    for (; use == FH_PART_DELIVER && kept != 0; kept--) {
        fh_bytes part = fh_message_shift(m);
        fh_bytes_drop(&part);
    }
    return use == FH_PART_DELIVER;
}

static fh_status receive_request(fh_mut fh_core *k, fh_owned fh_message *out) {
    *out = (fh_message){0};
    if (k->rep.has_request)
        return FH_STATUS(FH_INVALID);
    for (;;) {
        uint32_t peer = fh_core_reader(k);
        if (peer == FH_NO_PEER)
            return FH_STATUS(FH_AGAIN);
        fh_message m;
        take(k, peer, &m);
        if (is_request(k, peer, &m)) {
            *out = m;
            return FH_DONE;
        }
        fh_message_drop(&m, k->allocator);
    }
}

/* RFC 28: ROUTER "SHALL prepend a message frame with the identity of the originating peer". */
static fh_status receive_routed(fh_mut fh_core *k, fh_owned fh_message *out) {
    *out = (fh_message){0};
    uint32_t peer = fh_core_reader(k);
    if (peer == FH_NO_PEER)
        return FH_STATUS(FH_AGAIN);
    FH_TRY(fh_message_reserve(fh_lane_first(fh_core_in(k, peer)), k->allocator, 1));
    fh_bytes identity = fh_bytes_share(fh_peers_at(k->peers, peer)->identity);
    take(k, peer, out);
    fh_status s = fh_message_insert(out, k->allocator, 0, &identity);
    FH_ASSERT(!fh_failed(s));
    fh_bytes_drop(&identity);
    return FH_DONE;
}

/* What an XPUB's application sees of a subscription: 1 or 0, and the prefix. */
static fh_status show(fh_ref fh_allocator *a, fh_mut fh_message *m) {
    uint8_t bytes[1 + FH_SOCK_PREFIX_MAX] = {m->kind == FH_MESSAGE_SUBSCRIBE};
    fh_mspan all = {bytes, sizeof bytes}, rest;
    fh_span prefix = fh_message_view(m, 0);
    if (!fh_mspan_slice(all, 1, prefix.size, &rest))
        return FH_STATUS(FH_LIMIT);
    fh_span_copy(rest, prefix);
    fh_bytes shown;
    FH_TRY(fh_bytes_copy(a, fh_span_sub(fh_span_of_mut(all), 0, 1 + prefix.size), &shown));
    fh_message_clear(m, a);
    fh_status s = fh_message_push(m, a, &shown);
    FH_ASSERT(!fh_failed(s));
    fh_bytes_drop(&shown);
    return FH_DONE;
}

static fh_status receive_heard(fh_mut fh_core *k, fh_owned fh_message *out) {
    bool tell = false;
    *out = (fh_message){0};
    FH_TRY(fh_core_hear(k));
    if (fh_lane_look(&k->heard) != FH_LANE_MESSAGE)
        return FH_STATUS(FH_AGAIN);
    if (fh_lane_first(&k->heard)->kind != FH_MESSAGE_DATA)
        FH_TRY(show(k->allocator, fh_lane_first(&k->heard)));
    fh_lane_pop(&k->heard, out, &tell);
    return FH_DONE;
}

fh_status fh_core_receive(fh_core *k, fh_message *out) {
    if (k->type == FH_ZMTP_REQ)
        return receive_reply(k, out);
    if (k->type == FH_ZMTP_REP)
        return receive_request(k, out);
    if (k->type == FH_ZMTP_ROUTER)
        return receive_routed(k, out);
    if (k->type == FH_ZMTP_XPUB)
        return receive_heard(k, out);
    if (is(k, FH_ZMTP_BIT(SUB) | FH_ZMTP_BIT(XSUB)))
        return receive_wanted(k, out);
    *out = (fh_message){0};
    if (!fh_core_receives(k))
        return FH_STATUS(FH_UNSUPPORTED);
    return receive_next(k, out);
}

/* --- events --------------------------------------------------------------------------------------------------------------- */

static bool is_readable(fh_mut fh_core *k) {
    if (k->type == FH_ZMTP_XPUB)
        return fh_lane_look(&k->heard) == FH_LANE_MESSAGE;
    if (!fh_core_receives(k) || (k->type == FH_ZMTP_REP && k->rep.has_request))
        return false;
    if (k->type == FH_ZMTP_REQ && !k->req.waits)
        return k->request_lost;
    return fh_core_reader(k) != FH_NO_PEER || k->request_lost;
}

static bool is_writable(fh_mut fh_core *k) {
    if (is(k, FH_ZMTP_BIT(PUB) | FH_ZMTP_BIT(XPUB) | FH_ZMTP_BIT(XSUB) | FH_ZMTP_BIT(ROUTER)))
        return true;
    if (k->type == FH_ZMTP_REP)
        return k->rep.has_request;
    return fh_core_sends(k) && !(k->type == FH_ZMTP_REQ && k->req.waits) && fh_core_writer(k) != FH_NO_PEER;
}

static bool has_news(fh_mut fh_core *k) {
    return k->monitor != NULL && fh_monitor_has(k->monitor);
}

uint32_t fh_core_events(fh_core *k) {
    return (has_news(k) ? FH_SOCK_HAPPENED : 0u) | (is_readable(k) ? FH_SOCK_READABLE : 0u) |
           (is_writable(k) ? FH_SOCK_WRITABLE : 0u);
}
