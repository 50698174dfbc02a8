/* peers.c: who is connected with a socket, and what each has and wants (core.h). Threading: core.h. */
#include "sock/core.h"

#include "freehold/hash.h"
#include "freehold/os.h"
#include "sock/terms.h"

enum { CELLS = 64, NAME_BYTES = 5 };

static const fh_bytes nothing = {NULL, {NULL, 0}};

static bool publishes(fh_ref const fh_core *k) {
    return k->type == FH_ZMTP_PUB || k->type == FH_ZMTP_XPUB;
}

static bool subscribes(fh_ref const fh_core *k) {
    return k->type == FH_ZMTP_SUB || k->type == FH_ZMTP_XSUB;
}

/* --- life ----------------------------------------------------------------------------------------------------------------- */

static fh_status init_pattern(fh_mut fh_core *k) {
    fh_allocator *a = k->allocator;
    if (publishes(k) || subscribes(k))
        FH_TRY(fh_subscription_index_init(&k->wants, a, FH_SOCK_PREFIX_MAX, fh_os_random()));
    if (k->type == FH_ZMTP_XPUB)
        FH_TRY(fh_lane_init(&k->heard, a, FH_UPSTREAM_MARK));
    if (k->type == FH_ZMTP_ROUTER)
        FH_TRY(fh_u32s_new(a, CELLS, &k->cells));
    return fh_zmtp_list_reserve(&k->rep.envelope, k->type == FH_ZMTP_REP ? FH_ENVELOPE_MAX : 0);
}

fh_status fh_core_new(fh_allocator *a, fh_sock_context *context, fh_zmtp_socket type, uint32_t box, fh_core **out) {
    *out = NULL;
    fh_core *k = fh_alloc(a, 1, sizeof *k);
    if (k == NULL)
        return FH_STATUS(FH_NOMEM);
    *k = (fh_core){.allocator = a, .context = context, .type = type, .box = box,
                   .settings = {.send_mark = 1000, .receive_mark = 1000, .send_timeout = -1, .receive_timeout = -1,
                                .linger = -1, .reconnect_ivl = 100, .handshake_ivl = 30000, .heartbeat_timeout = -1,
                                .message_max = -1, .backlog = 100},
                   .secret = fh_os_random(), .name_next = (uint32_t)fh_os_random()};
    fh_turn_init(&k->readers, a);
    fh_turn_init(&k->writers, a);
    fh_rep_init(&k->rep, a, FH_ENVELOPE_MAX);
    fh_status s = init_pattern(k);
    if (fh_failed(s)) {
        fh_core_free(k);
        return s;
    }
    *out = k;
    return FH_DONE;
}

void fh_core_free(fh_core *k) {
    if (k == NULL)
        return;
    for (uint32_t i = 0; i < k->peers_used; i++)
        fh_core_leave(k, i);
    fh_allocator *a = k->allocator;
    FH_ASSERT(k->arrivals.first == NULL);
    fh_peers_free(a, &k->peers);
    fh_turn_deinit(&k->readers);
    fh_turn_deinit(&k->writers);
    fh_u32s_free(a, &k->cells);
    fh_u32s_free(a, &k->matched);
    fh_subscription_index_deinit(&k->wants);
    fh_lane_deinit(&k->heard, a);
    fh_rep_deinit(&k->rep);
    fh_bytes_drop(&k->identity);
    fh_bytes_drop(&k->last_endpoint);
    fh_monitor_free(k->monitor);
    fh_secrets_wipe(&k->secrets);
    fh_free(a, k);
}

/* --- a peer --------------------------------------------------------------------------------------------------------------- */

static fh_peer *row(fh_mut fh_core *k, uint32_t number) fh_view(1) {
    return fh_peers_at(k->peers, number);
}

bool fh_core_has(const fh_core *k, uint32_t number) {
    return number < k->peers_used && fh_peers_at(k->peers, number)->link != NULL;
}

bool fh_core_connected(const fh_core *k, uint32_t number, fh_span name) {
    if (!fh_core_has(k, number))
        return false;
    const fh_peer *p = fh_peers_at(k->peers, number);
    return p->link != NULL && p->side == 0 && fh_span_equal(p->link->name.span, name);
}

fh_lane *fh_core_out(fh_core *k, uint32_t number) {
    fh_peer *p = row(k, number);
    FH_ASSERT(p->link != NULL);
    return fh_link_out(p->link, p->side);
}

fh_lane *fh_core_in(fh_core *k, uint32_t number) {
    fh_peer *p = row(k, number);
    FH_ASSERT(p->link != NULL);
    return fh_link_in(p->link, p->side);
}

void fh_core_tell(fh_core *k, uint32_t number) {
    fh_peer *p = row(k, number);
    FH_ASSERT(p->link != NULL);
    const fh_link_end *other = fh_link_end_of(p->link, 1 - p->side);
    fh_context_tell(k->context, other->box, other->number);
}

void fh_core_put(fh_core *k, uint32_t number, fh_message *m) {
    if (fh_lane_put(fh_core_out(k, number), m))
        fh_core_tell(k, number);
}

bool fh_core_has_room(fh_core *k, uint32_t number) {
    return fh_core_has(k, number) && !fh_lane_has_ended(fh_core_in(k, number)) && fh_lane_is_open(fh_core_out(k, number));
}

/* --- identities ----------------------------------------------------------------------------------------------------------- */

static size_t cell_of(fh_ref const fh_core *k, fh_span identity) {
    return (size_t)fh_hash_bytes(k->secret, identity) & (k->cells.count - 1);
}

uint32_t fh_core_find(const fh_core *k, fh_span identity) {
    for (uint32_t at = fh_u32s_get(k->cells, cell_of(k, identity)); at != 0; at = fh_peers_at(k->peers, at - 1)->chain)
        if (fh_span_equal(fh_peers_at(k->peers, at - 1)->identity.span, identity))
            return at - 1;
    return FH_NO_PEER;
}

static void forget_name(fh_mut fh_core *k, uint32_t number) {
    size_t cell = cell_of(k, row(k, number)->identity.span);
    uint32_t next = row(k, number)->chain, at = fh_u32s_get(k->cells, cell);
    if (at == number + 1) {
        fh_u32s_set(k->cells, cell, next);
        return;
    }
    while (row(k, at - 1)->chain != number + 1)
        at = row(k, at - 1)->chain;
    row(k, at - 1)->chain = next;
}

/* What a ROUTER calls a new peer: what it is called by itself, or a name of five bytes that begins with 0 (RFC 28). */
static fh_status name_of(fh_mut fh_core *k, fh_bytes identity, fh_owned fh_bytes *out) {
    *out = nothing;
    if (identity.span.size != 0) {
        *out = fh_bytes_share(identity);
        return FH_DONE;
    }
    uint8_t name[NAME_BYTES] = {0};
    fh_mspan to = {name, NAME_BYTES};
    do
        fh_mspan_put_u32(to, 1, k->name_next++);
    while (fh_core_find(k, fh_span_of_mut(to)) != FH_NO_PEER);
    return fh_bytes_copy(k->allocator, fh_span_of_mut(to), out);
}

/* Room in the chains. */
static fh_status grow_cells(fh_mut fh_core *k) {
    fh_u32s cells;
    if (k->type != FH_ZMTP_ROUTER || k->peers_live < k->cells.count)
        return FH_DONE;
    FH_TRY(fh_u32s_new(k->allocator, 2 * k->cells.count, &cells));
    fh_u32s_free(k->allocator, &k->cells);
    k->cells = cells;
    for (uint32_t i = 0; i < k->peers_used; i++) {
        fh_peer *p = row(k, i);
        if (p->link == NULL)
            continue;
        size_t cell = cell_of(k, p->identity.span);
        p->chain = fh_u32s_get(k->cells, cell);
        fh_u32s_set(k->cells, cell, i + 1);
    }
    return FH_DONE;
}

/* --- coming --------------------------------------------------------------------------------------------------------------- */

static fh_owned_or_null fh_link *take_link(fh_mut fh_peer *p) {
    fh_link *link = p->link;
    p->link = NULL;
    return link;
}

static fh_owned fh_bytes take_identity(fh_peers peers, size_t number) {
    fh_peer *p = fh_peers_at(peers, number);
    fh_bytes out = p->identity;
    p->identity = nothing;
    return out;
}

static fh_status grow_rows(fh_mut fh_core *k) {
    fh_peers peers;
    fh_u32s matched;
    size_t room = k->peers.count != 0 ? 2 * k->peers.count : 4;
    FH_TRY(fh_u32s_new(k->allocator, room, &matched));
    fh_status s = fh_peers_new(k->allocator, room, &peers);
    if (fh_failed(s)) {
        fh_u32s_free(k->allocator, &matched);
        return s;
    }
    for (uint32_t i = 0; i < k->peers_used; i++) {
        fh_peer *from = row(k, i), *to = fh_peers_at(peers, i);
        to->link = take_link(from);
        to->identity = take_identity(k->peers, i);
        to->side = from->side;
        to->chain = from->chain;
        to->wanted = from->wanted;
    }
    fh_peers_free(k->allocator, &k->peers);
    fh_u32s_free(k->allocator, &k->matched);
    k->peers = peers;
    k->matched = matched;
    return FH_DONE;
}

/* Room for one peer more. */
static fh_status reserve(fh_mut fh_core *k) {
    if (k->peers_live == FH_SOCK_PEERS_MAX)
        return FH_STATUS(FH_EXHAUSTED);
    if (k->peer_free == 0 && k->peers_used == k->peers.count)
        FH_TRY(grow_rows(k));
    FH_TRY(fh_turn_reserve(&k->readers, (uint32_t)k->peers.count));
    FH_TRY(fh_turn_reserve(&k->writers, (uint32_t)k->peers.count));
    return grow_cells(k);
}

/* A subscription, or its end, goes to a publisher that has room for it. */
static void send_subscription(fh_mut fh_core *k, uint32_t number, fh_bytes prefix, fh_message_kind kind) {
    fh_message m = {0};
    fh_bytes part = fh_bytes_share(prefix);
    fh_status s = fh_message_push(&m, k->allocator, &part); /* one part needs no memory */
    FH_ASSERT(!fh_failed(s));
    m.kind = kind;
    if (fh_core_has_room(k, number))
        fh_core_put(k, number, &m);
    fh_message_drop(&m, k->allocator);
    fh_bytes_drop(&part);
}

static void greet(fh_mut fh_core *k, uint32_t number) {
    for (size_t i = 0; subscribes(k) && i < k->wants.used; i++) {
        fh_bytes prefix = fh_bytes_share(fh_subscriptions_at(k->wants.rows, i)->prefix);
        for (uint64_t n = fh_subscriptions_at(k->wants.rows, i)->count; n != 0; n--)
            send_subscription(k, number, prefix, FH_MESSAGE_SUBSCRIBE);
        fh_bytes_drop(&prefix);
    }
    if (k->settings.probe && fh_core_has_room(k, number)) {
        fh_message m = {.count = 1}; /* an empty part */
        fh_core_put(k, number, &m);
        fh_message_drop(&m, k->allocator);
    }
}

static uint32_t take_row(fh_mut fh_core *k) {
    uint32_t number = k->peer_free != 0 ? k->peer_free - 1 : k->peers_used++;
    if (k->peer_free != 0)
        k->peer_free = row(k, number)->chain;
    k->peers_live++;
    return number;
}

fh_status fh_core_join(fh_core *k, fh_link **link, uint32_t side) {
    fh_bytes name = nothing;
    if (k->type == FH_ZMTP_PAIR && k->peers_live != 0)
        return FH_STATUS(FH_INVALID);
    FH_TRY(reserve(k));
    if (k->type == FH_ZMTP_ROUTER) {
        FH_TRY(name_of(k, fh_link_end_of(*link, 1 - side)->identity, &name));
        uint32_t other = fh_core_find(k, name.span);
        if (other != FH_NO_PEER && !k->settings.handover) {
            fh_bytes_drop(&name);
            return FH_STATUS(FH_INVALID);
        }
        if (other != FH_NO_PEER)
            fh_core_leave(k, other);
    }
    uint32_t number = take_row(k);
    fh_link_end *end = fh_link_end_of(*link, side);
    end->box = k->box;
    end->number = number;
    fh_peer *p = row(k, number);
    p->link = *link;
    *link = NULL;
    p->side = side;
    p->wanted = 0;
    p->identity = name;
    p->chain = 0;
    if (k->type == FH_ZMTP_ROUTER) {
        size_t cell = cell_of(k, p->identity.span);
        p->chain = fh_u32s_get(k->cells, cell);
        fh_u32s_set(k->cells, cell, number + 1);
    }
    greet(k, number);
    fh_turn_wake(&k->readers, number);
    fh_turn_wake(&k->writers, number);
    return FH_DONE;
}

/* --- going ---------------------------------------------------------------------------------------------------------------- */

/* An XPUB hears of what nobody wants any more. */
static void cancel_all(fh_mut fh_core *k, uint32_t number) {
    for (size_t i = 0; k->type == FH_ZMTP_XPUB && i < k->wants.used; i++) {
        fh_subscription *s = fh_subscriptions_at(k->wants.rows, i);
        bool last = false;
        if (s->count == 0 || s->peer != number)
            continue;
        s->count = 1;
        fh_bytes prefix = fh_bytes_share(s->prefix);
        fh_status status = fh_subscription_cancel(&k->wants, number, prefix.span, &last);
        fh_message m = {.kind = FH_MESSAGE_CANCEL};
        if (!fh_failed(status))
            status = fh_message_push(&m, k->allocator, &prefix);
        FH_ASSERT(!fh_failed(status));
        if (last && fh_lane_is_open(&k->heard))
            (void)!fh_lane_put(&k->heard, &m);
        fh_message_drop(&m, k->allocator);
        fh_bytes_drop(&prefix);
    }
    fh_subscription_drop_peer(&k->wants, number);
}

void fh_core_leave(fh_core *k, uint32_t number) {
    if (!fh_core_has(k, number))
        return;
    bool read = fh_lane_end(fh_core_out(k, number)), written = fh_lane_leave(fh_core_in(k, number));
    if (read || written)
        fh_core_tell(k, number);
    if (publishes(k))
        cancel_all(k, number);
    if (k->type == FH_ZMTP_ROUTER)
        forget_name(k, number);
    if (k->type == FH_ZMTP_REP && k->rep.peer == number)
        k->rep.peer = FH_NO_PEER;
    k->request_lost = k->request_lost || (k->req.waits && k->req.peer == number);
    fh_req_peer_gone(&k->req, number);
    fh_turn_rest(&k->readers, number);
    fh_turn_rest(&k->writers, number);
    fh_peer *p = row(k, number);
    fh_link_free(take_link(p));
    fh_bytes identity = take_identity(k->peers, number);
    fh_bytes_drop(&identity);
    p->chain = k->peer_free;
    k->peer_free = number + 1;
    k->peers_live--;
}

/* --- looking -------------------------------------------------------------------------------------------------------------- */

uint32_t fh_core_reader(fh_core *k) {
    for (uint32_t n = fh_turn_peek(&k->readers); n != FH_NO_PEER; n = fh_turn_peek(&k->readers)) {
        fh_lane_state state = fh_lane_look(fh_core_in(k, n));
        if (state == FH_LANE_MESSAGE)
            return n;
        if (state == FH_LANE_ENDED)
            fh_core_leave(k, n);
        else
            fh_turn_rest(&k->readers, n);
    }
    return FH_NO_PEER;
}

uint32_t fh_core_writer(fh_core *k) {
    for (uint32_t n = fh_turn_peek(&k->writers); n != FH_NO_PEER; n = fh_turn_peek(&k->writers)) {
        if (fh_core_has_room(k, n))
            return n;
        fh_turn_rest(&k->writers, n);
    }
    return FH_NO_PEER;
}

/* Counts what a subscriber has said. False: it wants more than anybody may, and is left. */
static bool count_wanted(fh_mut fh_core *k, uint32_t number) {
    const fh_message *first = fh_lane_first(fh_core_in(k, number));
    uint32_t kind = publishes(k) ? first->kind : FH_MESSAGE_DATA;
    uint64_t cost = FH_WANTED_EACH + fh_message_view(first, 0).size;
    fh_peer *p = row(k, number);
    if (kind == FH_MESSAGE_SUBSCRIBE && p->wanted > FH_WANTED_MAX - cost)
        return false;
    if (kind == FH_MESSAGE_SUBSCRIBE)
        p->wanted += cost;
    return true;
}

/* One message of a subscriber, if it is one; there is room for it among what is heard. */
static fh_status hear_one(fh_mut fh_core *k, uint32_t number) {
    bool news = k->type == FH_ZMTP_XPUB, tell = false;
    const fh_message *first = fh_lane_first(fh_core_in(k, number));
    uint32_t kind = publishes(k) ? first->kind : FH_MESSAGE_DATA;
    fh_bytes prefix = fh_message_part(first, 0);
    fh_status s = FH_DONE;
    if (kind == FH_MESSAGE_SUBSCRIBE)
        s = fh_subscription_add(&k->wants, number, prefix.span, &news);
    else if (kind == FH_MESSAGE_CANCEL)
        s = fh_subscription_cancel(&k->wants, number, prefix.span, &news);
    if (kind == FH_MESSAGE_CANCEL ? !fh_failed(s) : kind == FH_MESSAGE_SUBSCRIBE && fh_failed(s))
        row(k, number)->wanted -= FH_WANTED_EACH + prefix.span.size;
    fh_bytes_drop(&prefix);
    if (s.code == FH_NOMEM)
        return s;
    fh_message m;
    fh_lane_pop(fh_core_in(k, number), &m, &tell);
    if (tell)
        fh_core_tell(k, number);
    bool heard = k->type == FH_ZMTP_XPUB && !fh_failed(s) &&
                 (news || (m.kind == FH_MESSAGE_SUBSCRIBE && k->settings.verbose));
    if (heard)
        (void)!fh_lane_put(&k->heard, &m);
    fh_message_drop(&m, k->allocator);
    return FH_DONE;
}

fh_status fh_core_hear(fh_core *k) {
    bool hears = publishes(k) || !fh_core_receives(k);
    for (uint32_t n = FH_NO_PEER; hears && (n = fh_core_reader(k)) != FH_NO_PEER;) {
        if (k->type == FH_ZMTP_XPUB && !fh_lane_is_open(&k->heard))
            return FH_DONE;
        if (count_wanted(k, n))
            FH_TRY(hear_one(k, n));
        else
            fh_core_leave(k, n);
    }
    return FH_DONE;
}

void fh_core_look(fh_core *k, uint32_t number) {
    if (!fh_core_has(k, number))
        return;
    fh_turn_wake(&k->readers, number);
    fh_turn_wake(&k->writers, number);
}
