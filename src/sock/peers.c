/* peers.c: who is connected with a socket, and what each has and wants (core.h). Threading: core.h. */
#include "sock/core.h"

#include "freehold/hash.h"
#include "freehold/os.h"
#include "sock/terms.h"

enum { CELLS = 64, NAME_BYTES = 5, ID_BYTES = 4, NOTIFY_COMES = 1, NOTIFY_GOES = 2 };

static const fh_bytes nothing = {NULL, {NULL, 0}};

/* --- life ----------------------------------------------------------------------------------------------------------------- */

static fh_status init_pattern(fh_mut fh_core *k) {
    fh_allocator *a = k->allocator;
    if (fh_core_publishes(k) || fh_core_subscribes(k))
        FH_TRY(fh_subscription_index_init(&k->wants, a, FH_SOCK_PREFIX_MAX, fh_os_random()));
    if (k->type == FH_ZMTP_XPUB)
        FH_TRY(fh_subscription_index_init(&k->asked, a, FH_SOCK_PREFIX_MAX, fh_os_random()));
    if (k->type == FH_ZMTP_XPUB)
        FH_TRY(fh_lane_init(&k->heard, a, FH_UPSTREAM_MARK));
    if (fh_core_names_peers(k))
        FH_TRY(fh_u32s_new(a, CELLS, &k->cells));
    return fh_zmtp_list_reserve(&k->rep.envelope, k->type == FH_ZMTP_REP ? FH_ENVELOPE_MAX : 0);
}

#define FH_FIRST_VALUE(name, field, number, value, least, most) .field = (value),
fh_status fh_core_new(fh_allocator *a, fh_sock_context *context, fh_zmtp_socket type, uint32_t box, fh_core **out) {
    *out = NULL;
    fh_core *k = fh_alloc(a, 1, sizeof *k);
    if (k == NULL)
        return FH_STATUS(FH_NOMEM);
    *k = (fh_core){.allocator = a, .context = context, .type = type, .box = box,
                   .settings = {FH_SOCK_OPTIONS(FH_FIRST_VALUE)},
                   .sender = FH_NO_PEER, .secret = fh_os_random(), .name_next = (uint32_t)fh_os_random()};
    k->hears = fh_core_publishes(k) || !fh_core_receives(k);
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
    fh_subscription_index_deinit(&k->asked);
    fh_lane_deinit(&k->heard, a);
    fh_rep_deinit(&k->rep);
    fh_bytes_drop(&k->identity);
    fh_bytes_drop(&k->last_endpoint);
    fh_bytes_drop(&k->welcome);
    fh_bytes_drop(&k->next_name);
    fh_monitor_mute(k->monitor); /* connections that linger have a handle */
    fh_monitor_free(k->monitor);
    fh_secrets_wipe(&k->secrets);
    fh_free(a, k);
}

/* --- a peer --------------------------------------------------------------------------------------------------------------- */

static fh_peer *row(fh_mut fh_core *k, uint32_t number) fh_view(1) {
    return fh_peers_at(k->peers, number);
}

bool fh_core_connected(const fh_core *k, uint32_t number, fh_span name) {
    if (!fh_core_has(k, number))
        return false;
    const fh_peer *p = fh_peers_at(k->peers, number);
    return p->link != NULL && p->side == 0 && fh_span_equal(p->link->name.span, name);
}

void fh_core_tell(fh_core *k, uint32_t number) {
    fh_peer *p = row(k, number);
    FH_ASSERT(p->link != NULL);
    const fh_link_end *other = fh_link_end_of(p->link, 1 - p->side);
    if (!k->drives || number + 1 != k->driven) /* else this thread looks by itself (drive.h) */
        fh_context_tell(k->context, other->box, other->number);
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

static bool has_ids(fh_ref const fh_core *k) {
    return k->type == FH_ZMTP_SERVER || k->type == FH_ZMTP_PEER;
}

/* The next number that no peer has, and that is not 0 (RFC 41, 51: "a unique routing id, which is a non-zero … integer"). */
fh_status fh_core_next_id(fh_core *k, fh_bytes *out) {
    uint8_t id[ID_BYTES] = {0};
    fh_mspan to = {id, ID_BYTES};
    do {
        k->last_routing_id = k->name_next++;
        fh_mspan_put_u32(to, 0, k->last_routing_id);
    } while (k->last_routing_id == 0 || fh_core_find(k, fh_span_of_mut(to)) != FH_NO_PEER);
    return fh_bytes_copy(k->allocator, fh_span_of_mut(to), out);
}

/* What a ROUTER calls a new peer: what it is called by itself, or a name of five bytes that begins with 0 (RFC 28). */
static fh_status name_of(fh_mut fh_core *k, fh_bytes identity, bool chosen, fh_owned fh_bytes *out) {
    *out = nothing;
    if (has_ids(k) && !chosen)
        return fh_core_next_id(k, out);
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
    if (!fh_core_names_peers(k) || k->peers_live < k->cells.count)
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
        to->life = from->life;
        fh_message_take(&from->about, &to->about);
        to->comes = from->comes;
        to->said = from->said;
        to->missed = from->missed;
        to->forgotten = from->forgotten;
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

/* What a new publisher is told of a subscription; of a group without what the index has behind it. */
static fh_owned fh_bytes wanted(fh_ref const fh_core *k, size_t i) {
    fh_bytes out;
    const fh_subscription *s = fh_subscriptions_at(k->wants.rows, i);
    size_t tail = k->type == FH_ZMTP_DISH && s->count != 0;
    fh_status status = fh_bytes_slice(s->prefix, 0, s->prefix.span.size - tail, &out);
    FH_ASSERT(!fh_failed(status)); /* it lies inside */
    return out;
}

/* The next subscription is said to a publisher, which has room; row i may have none. */
static void say_want(fh_mut fh_core *k, uint32_t number, size_t i) {
    fh_message m = {.kind = FH_MESSAGE_SUBSCRIBE};
    fh_bytes prefix = wanted(k, i);
    fh_status s = fh_message_push(&m, k->allocator, &prefix); /* one part needs no memory */
    FH_ASSERT(!fh_failed(s));
    if (fh_subscriptions_at(k->wants.rows, i)->count != 0)
        fh_core_put(k, number, &m);
    fh_message_drop(&m, k->allocator);
    fh_bytes_drop(&prefix);
}

/* What was there when a publisher came is said to it, as far as there is room; the rest when there is more. All of it once
 * more, if it has missed something since. */
static void say_wants(fh_mut fh_core *k, uint32_t number) {
    size_t at = row(k, number)->said;
    bool again = row(k, number)->missed;
    while ((at != FH_ALL_SAID || again) && fh_core_has_room(k, number)) {
        again = again && at != FH_ALL_SAID;
        at = at != FH_ALL_SAID ? at : 0;
        if (at < k->wants.used)
            say_want(k, number, at++);
        else
            at = FH_ALL_SAID;
    }
    row(k, number)->said = at;
    row(k, number)->missed = again;
}

static void greet(fh_mut fh_core *k, uint32_t number) {
    if (fh_core_subscribes(k))
        say_wants(k, number);
    bool welcomes = k->type == FH_ZMTP_XPUB && k->welcome.span.size != 0;
    const fh_peer *p = row(k, number);
    bool is_connection = p->link != NULL && p->side == 1 && fh_link_is_io(p->link->connected.box);
    bool probes = k->settings.probe && !is_connection; /* that probes by itself */
    if ((probes || welcomes) && fh_core_has_room(k, number)) {
        fh_message m = {.count = 1}; /* an empty part */
        if (welcomes)
            m.few[0].bytes = fh_bytes_share(k->welcome);
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

/* A name for a new peer; another peer with it goes, if it may. FH_INVALID: it stays. */
static fh_status name_newcomer(fh_mut fh_core *k, fh_bytes identity, bool chosen, fh_owned fh_bytes *out) {
    *out = nothing;
    if (!fh_core_names_peers(k))
        return FH_DONE;
    FH_TRY(name_of(k, identity, chosen, out));
    uint32_t other = fh_core_find(k, out->span);
    if (other == FH_NO_PEER)
        return FH_DONE;
    if (k->settings.handover || fh_lane_is_over(fh_core_in(k, other))) {
        fh_core_leave(k, other);
        return FH_DONE;
    }
    fh_bytes_drop(out);
    return FH_STATUS(FH_INVALID);
}

static bool tells_of_goers(fh_ref const fh_core *k) {
    return k->type == FH_ZMTP_STREAM ? k->settings.stream_notify != 0
                                     : k->type == FH_ZMTP_ROUTER && (k->settings.notify & NOTIFY_GOES) != 0;
}

static void enter_row(fh_mut fh_core *k, uint32_t number, fh_move fh_link *link, uint32_t side, fh_move fh_bytes name) {
    fh_peer *p = row(k, number);
    p->link = link;
    p->side = side;
    p->wanted = 0;
    p->said = p->forgotten = 0;
    p->missed = false;
    p->life++;
    p->comes = k->type == FH_ZMTP_ROUTER && (k->settings.notify & NOTIFY_COMES) != 0;
    p->identity = name;
    p->chain = 0;
    if (!fh_core_names_peers(k))
        return;
    size_t cell = cell_of(k, p->identity.span);
    p->chain = fh_u32s_get(k->cells, cell);
    fh_u32s_set(k->cells, cell, number + 1);
}

fh_status fh_core_join(fh_core *k, fh_link **link, uint32_t side) {
    fh_bytes name = nothing;
    bool alone = k->type == FH_ZMTP_PAIR || k->type == FH_ZMTP_CHANNEL;
    if (alone && k->peers_live != 0)
        return FH_STATUS(FH_INVALID);
    FH_TRY(reserve(k));
    bool chosen = (*link)->is_chosen && (side == 0 || fh_link_is_io((*link)->connected.box)); /* by this socket */
    FH_TRY(name_newcomer(k, fh_link_end_of(*link, 1 - side)->identity, chosen, &name));
    uint32_t number = take_row(k);
    fh_link_end *end = fh_link_end_of(*link, side);
    end->box = k->box;
    end->number = number;
    fh_link *mine = *link;
    *link = NULL;
    if (k->type == FH_ZMTP_STREAM) { /* it is called as its last connection is */
        fh_bytes_drop(&k->identity);
        k->identity = fh_bytes_share(name);
    }
    enter_row(k, number, mine, side, name);
    greet(k, number);
    fh_turn_wake(&k->readers, number);
    fh_turn_wake(&k->writers, number);
    return FH_DONE;
}

/* --- going ---------------------------------------------------------------------------------------------------------------- */

/* What is heard of a peer, in the words of the lane. */
static uint32_t heard_kind(fh_ref const fh_core *k, uint32_t number, uint32_t kind) {
    return kind | number << FH_HEARD_ROW_SHIFT | (fh_peers_at(k->peers, number)->life & FH_HEARD_BITS) << FH_HEARD_LIFE_SHIFT;
}

uint32_t fh_core_heard_peer(const fh_core *k, uint32_t kind) {
    uint32_t number = kind >> FH_HEARD_ROW_SHIFT & FH_HEARD_BITS;
    bool has = (kind & FH_HEARD_KIND) != FH_MESSAGE_DATA && fh_core_has(k, number);
    return has && heard_kind(k, number, kind & FH_HEARD_KIND) == kind ? number : FH_NO_PEER;
}

/* What was heard; there is room for it. */
static void put_heard(fh_mut fh_core *k, fh_mut fh_bytes *prefix, uint32_t kind) {
    fh_message m = {.kind = kind};
    fh_status s = fh_message_push(&m, k->allocator, prefix); /* one part needs no memory */
    FH_ASSERT(!fh_failed(s));
    (void)!fh_lane_put(&k->heard, &m);
    fh_message_drop(&m, k->allocator);
}

/* One subscription of a peer that goes: its prefix, and whether nobody else has it. False when there is none. */
static bool cancel_next(fh_mut fh_subscription_index *index, uint32_t number, fh_mut size_t *at, fh_owned fh_bytes *out,
                        fh_out bool *last) {
    *out = nothing;
    *last = false;
    for (; *at < index->used; ++*at) {
        fh_subscription *s = fh_subscriptions_at(index->rows, *at);
        if (s->count == 0 || s->peer != number)
            continue;
        s->count = 1;
        fh_bytes prefix = fh_bytes_share(s->prefix);
        fh_status status = fh_subscription_cancel(index, number, prefix.span, last);
        FH_ASSERT(!fh_failed(status));
        *out = prefix;
        return true;
    }
    return false;
}

/* A subscriber's subscriptions end with it. An XPUB hears of what nobody wants any more; of all, if it asked to, or
 * subscribes by hand. False: there is no room for what it is to hear. */
static bool forget_wants(fh_mut fh_core *k, uint32_t number) {
    uint32_t kind = heard_kind(k, number, FH_MESSAGE_CANCEL);
    bool manual = fh_core_is_manual(k), verboser = k->settings.verboser != 0;
    size_t at = row(k, number)->forgotten;
    for (bool more = k->type == FH_ZMTP_XPUB; more;) {
        bool last = false;
        fh_bytes prefix = nothing;
        row(k, number)->forgotten = at;
        if (!fh_lane_is_open(&k->heard))
            return false;
        more = cancel_next(manual ? &k->asked : &k->wants, number, &at, &prefix, &last);
        if (more && (last || verboser || manual))
            put_heard(k, &prefix, kind);
        fh_bytes_drop(&prefix);
    }
    fh_subscription_drop_peer(&k->wants, number);
    if (k->type == FH_ZMTP_XPUB)
        fh_subscription_drop_peer(&k->asked, number);
    return true;
}

/* Another peer may have its row. */
static void free_row(fh_mut fh_core *k, uint32_t number) {
    fh_peer *p = row(k, number);
    p->chain = k->peer_free;
    k->peer_free = number + 1;
    k->peers_live--;
}

/* Who has gone is forgotten, as far as there is room for what is heard of that; true: all of them. */
static bool forget_goers(fh_mut fh_core *k) {
    while (k->goers != 0) {
        uint32_t number = k->goers - 1;
        if (!forget_wants(k, number))
            return false;
        k->goers = row(k, number)->chain;
        free_row(k, number);
    }
    return true;
}

void fh_core_leave(fh_core *k, uint32_t number) {
    if (!fh_core_has(k, number))
        return;
    (void)!fh_lane_end(fh_core_out(k, number));
    (void)!fh_lane_leave(fh_core_in(k, number));
    fh_core_tell(k, number); /* also a connection that waits for its peer to take what it has */
    if (fh_core_names_peers(k))
        forget_name(k, number);
    if (k->type == FH_ZMTP_REP && k->rep.peer == number)
        k->rep.peer = FH_NO_PEER;
    k->request_lost = k->request_lost || (k->req.waits && k->req.peer == number);
    fh_req_peer_gone(&k->req, number);
    fh_turn_rest(&k->readers, number);
    fh_turn_rest(&k->writers, number);
    fh_peer *p = row(k, number);
    fh_link_free(take_link(p));
    fh_message_clear(&p->about, k->allocator);
    k->sender = k->sender == number ? FH_NO_PEER : k->sender;
    fh_bytes identity = take_identity(k->peers, number);
    fh_bytes_drop(&identity);
    if (!fh_core_publishes(k) || forget_wants(k, number)) {
        free_row(k, number);
        return;
    }
    row(k, number)->chain = k->goers;
    k->goers = number + 1;
}

/* --- looking -------------------------------------------------------------------------------------------------------------- */

/* What a connection has said of its peer. One of a STREAM says it when it stands. */
static void take_about(fh_mut fh_core *k, uint32_t number) {
    bool tell = false;
    fh_message m;
    fh_lane_pop(fh_core_in(k, number), &m, &tell);
    if (tell)
        fh_core_tell(k, number);
    fh_peer *p = row(k, number);
    fh_message_drop(&p->about, k->allocator);
    p->about = m;
    p->comes = p->comes || (k->type == FH_ZMTP_STREAM && k->settings.stream_notify != 0);
}

bool fh_core_has_notice(fh_core *k, uint32_t number) {
    return row(k, number)->comes || (tells_of_goers(k) && fh_lane_is_over(fh_core_in(k, number)));
}

uint32_t fh_core_find_reader(fh_core *k) {
    for (uint32_t n = fh_turn_peek(&k->readers); n != FH_NO_PEER; n = fh_turn_peek(&k->readers)) {
        fh_lane_state state = fh_lane_look(fh_core_in(k, n));
        if (state == FH_LANE_MESSAGE && fh_lane_first(fh_core_in(k, n))->kind == FH_MESSAGE_ABOUT)
            take_about(k, n);
        else if (state == FH_LANE_MESSAGE || fh_core_has_notice(k, n))
            return n;
        else if (state == FH_LANE_ENDED)
            fh_core_leave(k, n);
        else
            fh_turn_rest(&k->readers, n);
    }
    return FH_NO_PEER;
}

uint32_t fh_core_find_writer(fh_core *k) {
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
    uint32_t kind = fh_core_publishes(k) ? first->kind : FH_MESSAGE_DATA;
    uint64_t cost = FH_WANTED_EACH + fh_message_view(first, 0).size;
    fh_peer *p = row(k, number);
    if (kind == FH_MESSAGE_SUBSCRIBE && p->wanted > FH_WANTED_MAX - cost)
        return false;
    if (kind == FH_MESSAGE_SUBSCRIBE)
        p->wanted += cost;
    return true;
}

bool fh_group_key_of(fh_span group, fh_group_key *key) {
    *key = (fh_group_key){.size = 0};
    if (group.size == 0 || group.size > FH_ZMTP_GROUP_MAX || fh_span_find(group, (fh_span){key->bytes, 1}, 0) != SIZE_MAX)
        return false;
    fh_mspan room = {key->bytes, sizeof key->bytes};
    fh_span_copy(room, group);
    key->size = (uint32_t)group.size + 1; /* with a 0, which no group has */
    return true;
}

fh_span fh_group_key_view(const fh_group_key *key) {
    fh_span all = {key->bytes, sizeof key->bytes};
    return fh_span_sub(all, 0, key->size);
}

/* A subscription, or its end, goes into an index. FH_BORROWED: the peer has it already. A subscriber of libzmq says each of
 * its subscriptions, and the end only of the last of the same, so on the wire they do not count; to its application they do. */
static fh_status note(fh_mut fh_subscription_index *index, uint32_t number, fh_span key, uint32_t kind, fh_out bool *news) {
    *news = false;
    if (kind == FH_MESSAGE_SUBSCRIBE && fh_subscription_has(index, number, key))
        return FH_STATUS(FH_BORROWED);
    return kind == FH_MESSAGE_SUBSCRIBE ? fh_subscription_add(index, number, key, news)
                                        : fh_subscription_cancel(index, number, key, news);
}

/* What a subscriber says counts; with XPUB_MANUAL it is for the application to make it count. */
static fh_status hear_wish(fh_mut fh_core *k, uint32_t number, fh_span wish, uint32_t kind, fh_out bool *news) {
    fh_group_key key;
    *news = false;
    if (k->type == FH_ZMTP_RADIO)
        return fh_group_key_of(wish, &key) ? note(&k->wants, number, fh_group_key_view(&key), kind, news)
                                           : FH_STATUS(FH_INVALID);
    return note(fh_core_is_manual(k) ? &k->asked : &k->wants, number, wish, kind, news);
}

/* One message of a subscriber, if it is one; there is room for it among what is heard. */
static fh_status hear_one(fh_mut fh_core *k, uint32_t number) {
    bool news = k->type == FH_ZMTP_XPUB, tell = false;
    bool manual = fh_core_is_manual(k), verboser = k->settings.verboser != 0, verbose = k->settings.verbose != 0;
    const fh_message *first = fh_lane_first(fh_core_in(k, number));
    uint32_t kind = fh_core_publishes(k) ? first->kind : FH_MESSAGE_DATA;
    fh_bytes wish = fh_message_part(first, 0);
    fh_status s = kind == FH_MESSAGE_DATA ? FH_DONE : hear_wish(k, number, wish.span, kind, &news);
    if (kind == FH_MESSAGE_CANCEL ? !fh_failed(s) : kind == FH_MESSAGE_SUBSCRIBE && fh_failed(s))
        row(k, number)->wanted -= FH_WANTED_EACH + wish.span.size;
    fh_bytes_drop(&wish);
    if (s.code == FH_NOMEM)
        return s;
    fh_message m;
    fh_lane_pop(fh_core_in(k, number), &m, &tell);
    if (tell)
        fh_core_tell(k, number);
    bool all = manual || verboser || (kind == FH_MESSAGE_SUBSCRIBE && verbose);
    bool counts = !fh_failed(s) || s.code == FH_BORROWED;
    m.kind = heard_kind(k, number, kind);
    if (k->type == FH_ZMTP_XPUB && counts && (news || (all && kind != FH_MESSAGE_DATA)))
        (void)!fh_lane_put(&k->heard, &m);
    fh_message_drop(&m, k->allocator);
    return FH_DONE;
}

fh_status fh_core_hear(fh_core *k) {
    if (!forget_goers(k))
        return FH_DONE;
    for (uint32_t n = FH_NO_PEER; k->hears && (n = fh_core_reader(k)) != FH_NO_PEER;) {
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
    if (fh_core_subscribes(k))
        say_wants(k, number);
}
