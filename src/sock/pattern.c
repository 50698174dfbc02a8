/* pattern.c: what each type of socket does with a message (RFC 28 to 31, 41, 48, 49, 51, 52): to whom it goes, from whom it is
 * taken, and what of it the application sees.
 *
 * A message is taken from its lane only when nothing can fail any more: what needs memory is done to it in place, before.
 * Threading: core.h. */
#include "sock/core.h"

static bool is(fh_ref const fh_core *k, unsigned types) {
    return (1u << k->type & types) != 0;
}

bool fh_core_sends(const fh_core *k) {
    return !is(k, FH_ZMTP_BIT(PULL) | FH_ZMTP_BIT(SUB) | FH_ZMTP_BIT(GATHER) | FH_ZMTP_BIT(DISH));
}

bool fh_core_receives(const fh_core *k) {
    return !is(k, FH_ZMTP_BIT(PUSH) | FH_ZMTP_BIT(PUB) | FH_ZMTP_BIT(SCATTER) | FH_ZMTP_BIT(RADIO));
}

bool fh_core_publishes(const fh_core *k) {
    return is(k, FH_ZMTP_BIT(PUB) | FH_ZMTP_BIT(XPUB) | FH_ZMTP_BIT(RADIO));
}

bool fh_core_subscribes(const fh_core *k) {
    return is(k, FH_ZMTP_BIT(SUB) | FH_ZMTP_BIT(XSUB) | FH_ZMTP_BIT(DISH));
}

bool fh_core_is_manual(const fh_core *k) {
    return k->settings.manual != 0 || k->settings.last_value != 0;
}

bool fh_core_names_peers(const fh_core *k) {
    return is(k, FH_ZMTP_BIT(ROUTER) | FH_ZMTP_BIT(STREAM) | FH_ZMTP_BIT(SERVER) | FH_ZMTP_BIT(PEER));
}

/* How many parts each message of a type has, as its application sees them; 0: any number. The types of RFC 41 to 52 "MUST NOT
 * allow multipart messages" (a session discards what a peer sends of them); the name of the peer, or of the group, goes in
 * front. */
static size_t parts_of(fh_ref const fh_core *k) {
    if (is(k, FH_ZMTP_BIT(CLIENT) | FH_ZMTP_BIT(SCATTER) | FH_ZMTP_BIT(GATHER) | FH_ZMTP_BIT(CHANNEL)))
        return 1;
    if (is(k, FH_ZMTP_BIT(SERVER) | FH_ZMTP_BIT(PEER) | FH_ZMTP_BIT(RADIO) | FH_ZMTP_BIT(DISH) | FH_ZMTP_BIT(STREAM)))
        return 2;
    return 0;
}

/* --- sending -------------------------------------------------------------------------------------------------------------- */

/* To the peer whose turn it is. It may have gone since it was found: then nobody reads it. */
static void send_in_turn(fh_mut fh_core *k, uint32_t peer, fh_mut fh_message *m) {
    fh_core_put(k, peer, m);
    (void)fh_turn_take(&k->writers);
}

/* PAIR, PUSH, DEALER: to the next peer that has room (RFC 28, 30: "SHALL consider a peer as available only when it has an
 * outgoing queue that is not full", "SHALL route … using a round-robin strategy"). */
static fh_status send_next(fh_mut fh_core *k, fh_mut fh_message *m) {
    uint32_t peer = fh_core_writer(k);
    if (peer == FH_NO_PEER)
        return FH_STATUS(FH_AGAIN);
    send_in_turn(k, peer, m);
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
    k->sender = peer;
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

/* The number of the next question. */
static fh_status next_id(fh_ref const fh_core *k, fh_owned fh_bytes *out) {
    uint8_t id[4] = {0};
    fh_mspan to = {id, sizeof id};
    *out = (fh_bytes){NULL, {NULL, 0}};
    if (!k->settings.correlate)
        return FH_DONE;
    fh_mspan_put_u32(to, 0, k->request + 1);
    return fh_bytes_copy(k->allocator, fh_span_of_mut(to), out);
}

/* With its number, if it has one, and the delimiter in front; there is room for both. */
static fh_status ask(fh_mut fh_core *k, uint32_t peer, fh_mut fh_message *m, fh_mut fh_bytes *id) {
    bool numbered = id->span.size != 0;
    fh_status s = numbered ? fh_message_insert(m, k->allocator, 0, id) : FH_DONE;
    FH_ASSERT(!fh_failed(s));
    k->request += numbered;
    put_delimiter(k, m, numbered ? 1 : 0);
    FH_TRY(fh_req_sent(&k->req, peer));
    send_in_turn(k, peer, m); /* and to no other one: it is asked now */
    return FH_DONE;
}

static fh_status send_request(fh_mut fh_core *k, fh_mut fh_message *m) {
    fh_bytes id;
    if (k->req.waits && !k->settings.relaxed)
        return FH_STATUS(FH_INVALID);
    FH_TRY(fh_message_reserve(m, k->allocator, 2));
    if (fh_core_writer(k) == FH_NO_PEER)
        return FH_STATUS(FH_AGAIN); /* and the last question still waits for its answer */
    FH_TRY(next_id(k, &id));
    fh_req_peer_gone(&k->req, k->req.peer);
    k->request_lost = false;
    drop_early(k);
    uint32_t peer = fh_core_writer(k);
    fh_status s = peer != FH_NO_PEER ? ask(k, peer, m, &id) : FH_STATUS(FH_AGAIN);
    fh_bytes_drop(&id);
    return s;
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

static fh_status look_at_peer(fh_mut fh_core *k, uint32_t peer) {
    if (peer == FH_NO_PEER || fh_lane_has_ended(fh_core_in(k, peer)))
        return FH_STATUS(FH_NOT_FOUND);
    return FH_STATUS(fh_core_has_room(k, peer) ? FH_OK : FH_AGAIN);
}

fh_status fh_core_has_peer(fh_core *k, fh_span name) {
    return fh_core_names_peers(k) ? look_at_peer(k, fh_core_find(k, name)) : FH_STATUS(FH_UNSUPPORTED);
}

/* What a message to a peer would find. */
static fh_status may_route(fh_mut fh_core *k, uint32_t peer) {
    return k->type == FH_ZMTP_ROUTER && !k->settings.mandatory ? FH_DONE : look_at_peer(k, peer);
}

/* RFC 28: ROUTER "SHALL remove the first frame", and "SHALL drop" what goes nowhere, or tell, if it is asked to. RFC 41, 51:
 * "SHALL return an error if the queue does not exist", "SHALL block on sending, if the queue is full". An empty message of a
 * STREAM ends the connection, when what was sent has left. */
static fh_status send_routed(fh_mut fh_core *k, fh_mut fh_message *m) {
    uint32_t peer = fh_core_find(k, fh_message_view(m, 0));
    bool ends = k->type == FH_ZMTP_STREAM && fh_message_view(m, 1).size == 0;
    fh_status s = may_route(k, peer);
    if (ends && s.code != FH_NOT_FOUND) {
        fh_core_leave(k, peer);
        fh_message_clear(m, k->allocator);
        return FH_DONE;
    }
    FH_TRY(s);
    bool room = peer != FH_NO_PEER && fh_core_has_room(k, peer);
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

/* The others of those that a match has found. */
static size_t invert(fh_mut fh_core *k) {
    size_t count = 0;
    for (uint32_t i = 0; i < k->peers_used; i++) {
        bool found = i < k->wants.marked.count && fh_u32s_get(k->wants.marked, i) == k->wants.match;
        if (fh_core_has(k, i) && !found)
            fh_u32s_set(k->matched, count++, i);
    }
    return count;
}

/* Those of the peers that are to get a message, to the start of `matched`. */
static size_t match(fh_mut fh_core *k, fh_span text) {
    size_t count = fh_subscription_match(&k->wants, text, k->matched);
    return k->settings.invert && k->type != FH_ZMTP_RADIO ? invert(k) : count;
}

static bool all_have_room(fh_mut fh_core *k, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t peer = fh_u32s_get(k->matched, i);
        bool is_there = fh_core_has(k, peer) && !fh_lane_has_ended(fh_core_in(k, peer));
        if (is_there && !fh_lane_is_open(fh_core_out(k, peer)))
            return false;
    }
    return true;
}

/* With XPUB_MANUAL_LAST_VALUE, of those who are to get a message only the peer that was heard last. */
static size_t match_last(fh_mut fh_core *k, size_t count) {
    uint32_t last = fh_core_heard_peer(k, k->heard_last);
    if (!k->settings.last_value || last == FH_NO_PEER)
        return count;
    for (size_t i = 0; i < count; i++) {
        if (fh_u32s_get(k->matched, i) != last)
            continue;
        fh_u32s_set(k->matched, 0, last);
        return 1;
    }
    return 0;
}

/* Those who are to get a message that begins so, to `matched`. FH_AGAIN: with XPUB_NODROP one of them has no room. */
static fh_status find_subscribers(fh_mut fh_core *k, fh_span first, fh_out size_t *count) {
    *count = match_last(k, match(k, first));
    return FH_STATUS(k->settings.nodrop && !all_have_room(k, *count) ? FH_AGAIN : FH_OK);
}

static fh_status publish(fh_mut fh_core *k, fh_mut fh_message *m) {
    size_t count = 0;
    FH_TRY(find_subscribers(k, fh_message_view(m, 0), &count));
    if (k->settings.last_value)
        k->heard_last = 0; /* that was for it alone */
    send_to(k, m, count);
    return FH_DONE;
}

/* RFC 48: to those "who have a join the message group", "using exact matching". */
static fh_status send_group(fh_mut fh_core *k, fh_mut fh_message *m) {
    fh_group_key key;
    if (!fh_group_key_of(fh_message_view(m, 0), &key))
        return FH_STATUS(FH_INVALID);
    send_to(k, m, match(k, fh_group_key_view(&key)));
    return FH_DONE;
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

/* All but the most frequent types. */
static FH_ATTR(noinline) fh_status send_by_type(fh_mut fh_core *k, fh_mut fh_message *m) {
    size_t count = fh_message_count(m), parts = parts_of(k);
    if (!fh_core_sends(k))
        return FH_STATUS(FH_UNSUPPORTED);
    if (count == 0 || (parts != 0 && count != parts))
        return FH_STATUS(FH_INVALID);
    if (k->type == FH_ZMTP_REQ)
        return send_request(k, m);
    if (k->type == FH_ZMTP_REP)
        return send_reply(k, m);
    if (fh_core_names_peers(k))
        return send_routed(k, m);
    if (k->type == FH_ZMTP_XSUB)
        return send_upstream(k, m);
    if (k->type == FH_ZMTP_RADIO)
        return send_group(k, m);
    return fh_core_publishes(k) ? publish(k, m) : send_next(k, m);
}

fh_status fh_core_send(fh_core *k, fh_message *m) {
    bool plain = is(k, FH_ZMTP_BIT(PUSH) | FH_ZMTP_BIT(DEALER) | FH_ZMTP_BIT(PAIR));
    return FH_LIKELY(plain && m->count != 0) ? send_next(k, m) : send_by_type(k, m);
}

/* --- subscriptions -------------------------------------------------------------------------------------------------------- */

/* For the peer whose wish the application has seen last. */
static fh_status subscribe_for_peer(fh_mut fh_core *k, fh_span prefix, fh_message_kind kind) {
    bool news = false;
    uint32_t peer = fh_core_heard_peer(k, k->heard_last);
    if (!fh_core_is_manual(k) || peer == FH_NO_PEER)
        return FH_STATUS(FH_INVALID);
    if (kind == FH_MESSAGE_CANCEL)
        return fh_subscription_cancel(&k->wants, peer, prefix, &news);
    return fh_subscription_has(&k->wants, peer, prefix) ? FH_DONE : fh_subscription_add(&k->wants, peer, prefix, &news);
}

/* What a socket itself wants changes; a group is joined once. *tells: publishers are to hear of it, of an end only when it
 * is the last of the same. */
static fh_status want(fh_mut fh_core *k, fh_span prefix, fh_message_kind kind, fh_out bool *tells) {
    bool news = false;
    fh_group_key key;
    *tells = true;
    if (!fh_group_key_of(prefix, &key) && k->type == FH_ZMTP_DISH)
        return FH_STATUS(FH_INVALID);
    fh_span text = k->type == FH_ZMTP_DISH ? fh_group_key_view(&key) : prefix;
    if (kind == FH_MESSAGE_CANCEL)
        return fh_subscription_cancel(&k->wants, 0, text, tells);
    FH_TRY(fh_subscription_add(&k->wants, 0, text, &news));
    if (news || k->type != FH_ZMTP_DISH)
        return FH_DONE;
    FH_TRY(fh_subscription_cancel(&k->wants, 0, text, &news));
    return FH_STATUS(FH_INVALID);
}

/* True if none of the peers in `matched` is so far behind that it has no room for a wish. */
static bool all_can_hear(fh_mut fh_core *k, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!fh_lane_is_open(fh_core_out(k, fh_u32s_get(k->matched, i))))
            return false;
    return true;
}

/* Those of them that have none are told of all subscriptions when they have. */
static void tell_later(fh_mut fh_core *k, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t number = fh_u32s_get(k->matched, i);
        if (!fh_core_has_room(k, number))
            fh_peers_at(k->peers, number)->missed = true;
    }
}

/* All publishers have room for one more, or none is told; but an XSUB says for others what it is sent: one that hears nothing
 * does not keep the wish from those that do. */
fh_status fh_core_subscribe(fh_core *k, fh_span prefix, fh_message_kind kind) {
    fh_bytes part;
    fh_message m = {0};
    bool tells = false;
    if (k->type == FH_ZMTP_XPUB)
        return subscribe_for_peer(k, prefix, kind);
    size_t count = all_peers(k);
    if (k->type != FH_ZMTP_XSUB && !all_can_hear(k, count))
        return FH_STATUS(FH_EXHAUSTED);
    FH_TRY(fh_bytes_copy(k->allocator, prefix, &part));
    fh_status s = want(k, part.span, kind, &tells);
    if (!fh_failed(s))
        s = fh_message_push(&m, k->allocator, &part);
    m.kind = kind;
    if (!fh_failed(s) && kind == FH_MESSAGE_SUBSCRIBE)
        tell_later(k, count);
    if (!fh_failed(s) && tells)
        send_to(k, &m, count);
    fh_message_drop(&m, k->allocator);
    fh_bytes_drop(&part);
    return s;
}

/* --- receiving ------------------------------------------------------------------------------------------------------------ */

/* PULL, PAIR, DEALER (RFC 28, 30: "SHALL receive … using a fair-queuing strategy"). */
static fh_status receive_next(fh_mut fh_core *k, fh_owned fh_message *out) {
    uint32_t peer = fh_core_reader(k);
    if (peer == FH_NO_PEER)
        return FH_STATUS(FH_AGAIN);
    take(k, peer, out);
    return FH_DONE;
}

static bool is_joined(fh_mut fh_core *k, fh_span group) {
    fh_group_key key = {.size = 0};
    return fh_group_key_of(group, &key) && fh_subscription_match(&k->wants, fh_group_key_view(&key), k->matched) != 0;
}

static bool is_wanted(fh_mut fh_core *k, fh_span first) {
    if (k->type == FH_ZMTP_DISH)
        return is_joined(k, first);
    bool found = fh_subscription_match(&k->wants, first, k->matched) != 0;
    return found != (k->settings.invert != 0);
}

/* Only what was subscribed: a publisher may not have heard yet that something is not wanted any more. */
static fh_status receive_wanted(fh_mut fh_core *k, fh_owned fh_message *out) {
    *out = (fh_message){0};
    for (;;) {
        fh_message m;
        FH_TRY(receive_next(k, &m));
        if (is_wanted(k, fh_message_view(&m, 0))) {
            *out = m;
            return FH_DONE;
        }
        fh_message_drop(&m, k->allocator);
    }
}

/* The answer to another question than the last one. */
static bool is_stale(fh_mut fh_core *k, fh_mut fh_message *m) {
    if (!k->settings.correlate)
        return false;
    fh_bytes id = fh_message_shift(m);
    bool right = id.span.size == 4 && fh_span_u32(id.span, 0) == k->request && fh_message_count(m) != 0;
    fh_bytes_drop(&id);
    return !right;
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
        for (size_t i = 0, count = is_stale(k, &m) ? 0 : fh_message_count(&m); i < count; i++)
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

fh_status fh_core_about(const fh_core *k, fh_message *out) {
    *out = (fh_message){0};
    if (k->sender == FH_NO_PEER)
        return FH_DONE;
    return fh_message_share(&fh_peers_at(k->peers, k->sender)->about, k->allocator, out);
}

/* A peer has come, or gone: its name, and an empty part. */
static fh_status receive_notice(fh_mut fh_core *k, uint32_t peer, fh_owned fh_message *out) {
    fh_peer *p = fh_peers_at(k->peers, peer);
    fh_bytes name = fh_bytes_share(p->identity), empty = {NULL, {NULL, 0}};
    fh_message m = {0};
    fh_status s = fh_message_push(&m, k->allocator, &name); /* two parts need no memory */
    if (!fh_failed(s))
        s = fh_message_push(&m, k->allocator, &empty);
    FH_ASSERT(!fh_failed(s));
    fh_bytes_drop(&name);
    *out = m;
    k->sender = peer;
    if (p->comes)
        p->comes = false;
    else
        fh_core_leave(k, peer);
    return FH_DONE;
}

/* RFC 28: ROUTER "SHALL prepend a message frame with the identity of the originating peer"; SERVER and PEER an id. */
static fh_status receive_routed(fh_mut fh_core *k, fh_owned fh_message *out) {
    *out = (fh_message){0};
    uint32_t peer = fh_core_reader(k);
    if (peer == FH_NO_PEER)
        return FH_STATUS(FH_AGAIN);
    if (fh_core_has_notice(k, peer))
        return receive_notice(k, peer, out);
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
    uint8_t bytes[1 + FH_SOCK_PREFIX_MAX] = {(m->kind & FH_HEARD_KIND) == FH_MESSAGE_SUBSCRIBE};
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
    uint32_t kind = fh_lane_first(&k->heard)->kind;
    if ((kind & FH_HEARD_KIND) != FH_MESSAGE_DATA) {
        FH_TRY(show(k->allocator, fh_lane_first(&k->heard)));
        k->heard_last = kind;
    }
    fh_lane_pop(&k->heard, out, &tell);
    out->kind = FH_MESSAGE_DATA; /* for its next way */
    return FH_DONE;
}

/* All but the most frequent types. */
static FH_ATTR(noinline) fh_status receive_by_type(fh_mut fh_core *k, fh_owned fh_message *out) {
    if (k->type == FH_ZMTP_REQ)
        return receive_reply(k, out);
    if (k->type == FH_ZMTP_REP)
        return receive_request(k, out);
    if (fh_core_names_peers(k))
        return receive_routed(k, out);
    if (k->type == FH_ZMTP_XPUB)
        return receive_heard(k, out);
    if (is(k, FH_ZMTP_BIT(SUB) | FH_ZMTP_BIT(DISH)))
        return receive_wanted(k, out);
    *out = (fh_message){0};
    if (!fh_core_receives(k))
        return FH_STATUS(FH_UNSUPPORTED);
    return receive_next(k, out);
}

/* An XSUB gets all that comes, as with libzmq. */
fh_status fh_core_receive(fh_core *k, fh_message *out) {
    bool plain = is(k, FH_ZMTP_BIT(PULL) | FH_ZMTP_BIT(DEALER) | FH_ZMTP_BIT(PAIR) | FH_ZMTP_BIT(XSUB));
    if (FH_LIKELY(plain))
        return receive_next(k, out);
    return receive_by_type(k, out);
}

/* --- events --------------------------------------------------------------------------------------------------------------- */

/* A publisher may not have heard yet that a message is not wanted any more: those are dropped here. */
static bool has_wanted(fh_mut fh_core *k) {
    for (;;) {
        uint32_t peer = fh_core_reader(k);
        fh_message m;
        if (peer == FH_NO_PEER)
            return false;
        fh_bytes first = fh_message_part(fh_lane_first(fh_core_in(k, peer)), 0);
        bool wanted = is_wanted(k, first.span);
        fh_bytes_drop(&first);
        if (wanted)
            return true;
        take(k, peer, &m);
        fh_message_drop(&m, k->allocator);
    }
}

static bool is_readable(fh_mut fh_core *k) {
    if (is(k, FH_ZMTP_BIT(SUB) | FH_ZMTP_BIT(DISH)))
        return has_wanted(k);
    if (k->type == FH_ZMTP_XPUB)
        return fh_lane_look(&k->heard) == FH_LANE_MESSAGE;
    if (!fh_core_receives(k) || (k->type == FH_ZMTP_REP && k->rep.has_request))
        return false;
    if (k->type == FH_ZMTP_REQ && !k->req.waits)
        return k->request_lost;
    return fh_core_reader(k) != FH_NO_PEER || k->request_lost;
}

static bool is_writable(fh_mut fh_core *k) {
    if (fh_core_publishes(k) || fh_core_names_peers(k) || k->type == FH_ZMTP_XSUB)
        return true;
    if (k->type == FH_ZMTP_REP)
        return k->rep.has_request;
    bool waits = k->type == FH_ZMTP_REQ && k->req.waits && !k->settings.relaxed;
    return fh_core_sends(k) && !waits && fh_core_writer(k) != FH_NO_PEER;
}

fh_status fh_core_may_send(fh_core *k, fh_span first) {
    if (!fh_core_sends(k))
        return FH_STATUS(FH_UNSUPPORTED);
    bool waits = k->type == FH_ZMTP_REQ && k->req.waits && !k->settings.relaxed;
    if (waits || (k->type == FH_ZMTP_REP && !k->rep.has_request))
        return FH_STATUS(FH_INVALID);
    if (fh_core_names_peers(k))
        return may_route(k, fh_core_find(k, first));
    size_t count = 0;
    if (k->settings.nodrop && is(k, FH_ZMTP_BIT(PUB) | FH_ZMTP_BIT(XPUB)))
        return find_subscribers(k, first, &count);
    return FH_STATUS(is_writable(k) ? FH_OK : FH_AGAIN);
}

static bool has_news(fh_mut fh_core *k) {
    return k->monitor != NULL && fh_monitor_has(k->monitor);
}

uint32_t fh_core_events(fh_core *k) {
    return (has_news(k) ? FH_SOCK_HAPPENED : 0u) | (is_readable(k) ? FH_SOCK_READABLE : 0u) |
           (is_writable(k) ? FH_SOCK_WRITABLE : 0u);
}
