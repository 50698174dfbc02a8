/* terms.c: what connections of an endpoint have in common (terms.h). Threading: terms.h. */
#include "sock/terms.h"

#include "freehold/os.h"
#include "proto/box.h"

enum {
    HEARD_MARK = 256,               /* subscriptions on their way to a publisher; more wait in the connection */
    PARTS_MAX = FH_MESSAGE_PARTS_MAX - 1, /* a ROUTER puts one in front */
    OUT_BYTES = 1 << 18,
};

/* --- secrets -------------------------------------------------------------------------------------------------------------- */

static bool fits(fh_span text, bool is_key) {
    return is_key ? text.size == FH_ZMTP_KEY_BYTES : text.size <= FH_SECRET_MAX;
}

static void copy(fh_mut fh_secret *to, fh_span from) {
    fh_mspan room = {to->bytes, FH_SECRET_MAX};
    fh_span_copy(room, from);
    to->size = (uint32_t)from.size;
}

static fh_span view(fh_ref const fh_secret *s) fh_view(1) {
    fh_span all = {s->bytes, FH_SECRET_MAX};
    return fh_span_sub(all, 0, s->size);
}

/* The public key of a secret one. */
static void derive(fh_mut fh_secret *to, fh_span secret) {
    fh_box_public(secret, (fh_mspan){to->bytes, FH_ZMTP_KEY_BYTES});
    to->size = FH_ZMTP_KEY_BYTES;
}

fh_status fh_secrets_set(fh_secrets *to, const fh_sock_security *from) {
    bool plain = from->mechanism == FH_ZMTP_PLAIN, curve = from->mechanism == FH_ZMTP_CURVE;
    if (!plain && !curve && from->mechanism != FH_ZMTP_NULL)
        return FH_STATUS(FH_INVALID);
    if (!fits(from->domain, false))
        return FH_STATUS(FH_INVALID);
    if (plain && (!fits(from->username, false) || !fits(from->password, false)))
        return FH_STATUS(FH_INVALID);
    if (curve && !fh_box_available())
        return FH_STATUS(FH_UNSUPPORTED);
    bool derives = from->server && from->public_key.size == 0; /* a server's secret one says it all */
    if (curve && ((!derives && !fits(from->public_key, true)) || !fits(from->secret_key, true) ||
                  (!from->server && !fits(from->server_key, true))))
        return FH_STATUS(FH_INVALID);
    fh_secrets_wipe(to);
    to->mechanism = from->mechanism;
    to->server = from->server && (plain || curve);
    copy(&to->domain, from->domain);
    if (plain) {
        copy(&to->username, from->username);
        copy(&to->password, from->password);
    }
    if (curve) {
        copy(&to->secret_key, from->secret_key);
        copy(&to->public_key, from->public_key);
        if (derives)
            derive(&to->public_key, from->secret_key);
        copy(&to->server_key, from->server ? view(&to->public_key) : from->server_key);
    }
    return FH_DONE;
}

static void wipe(fh_mut fh_secret *s) {
    fh_mspan_fill((fh_mspan){s->bytes, FH_SECRET_MAX}, 0);
    s->size = 0;
}

void fh_secrets_wipe(fh_secrets *s) {
    wipe(&s->username);
    wipe(&s->password);
    wipe(&s->public_key);
    wipe(&s->secret_key);
    wipe(&s->server_key);
    wipe(&s->domain);
    s->mechanism = FH_ZMTP_NULL;
    s->server = false;
}

/* The same, in a time that does not tell where they differ. */
static bool same(fh_span secret, fh_span said) {
    uint32_t differ = secret.size != said.size;
    for (size_t i = 0; i < said.size; i++)
        differ |= (uint32_t)(fh_span_at(said, i) ^ (i < secret.size ? fh_span_at(secret, i) : 0));
    return differ == 0;
}

bool fh_terms_lets_in(const fh_terms *t, fh_span username, fh_span password) {
    const fh_secrets *s = &t->secrets;
    if (s->mechanism != FH_ZMTP_PLAIN)
        return !t->settings.enforce;
    bool name = same(view(&s->username), username), word = same(view(&s->password), password);
    return name && word && s->username.size + s->password.size != 0 && !t->settings.enforce;
}

fh_span fh_terms_domain(const fh_terms *t) {
    return view(&t->secrets.domain);
}

/* --- life ----------------------------------------------------------------------------------------------------------------- */

fh_status fh_terms_new(const fh_core *k, fh_span endpoint, const fh_sock_route *route, bool bound, fh_terms **out) {
    fh_bytes name;
    *out = NULL;
    FH_TRY(fh_bytes_copy(k->allocator, endpoint, &name));
    fh_terms *t = fh_alloc(k->allocator, 1, sizeof *t);
    if (t == NULL) {
        fh_bytes_drop(&name);
        return FH_STATUS(FH_NOMEM);
    }
    fh_handles_init(&t->handles);
    t->allocator = k->allocator;
    t->box = k->box;
    t->type = k->type;
    t->bound = bound;
    t->route = *route;
    t->settings = k->settings;
    t->secrets = k->secrets;
    t->endpoint = name;
    t->identity = fh_bytes_share(k->identity);
    t->peer_name = bound ? (fh_bytes){NULL, {NULL, 0}} : fh_bytes_share(k->next_name);
    t->monitor = fh_monitor_share(k->monitor);
    *out = t;
    return FH_DONE;
}

fh_terms *fh_terms_share(fh_terms *t) {
    return fh_handles_share(&t->handles, t);
}

void fh_terms_free(fh_terms *t) {
    if (t == NULL)
        return;
    if (!fh_handles_end(&t->handles)) {
        fh_handles_forget(t);
        return;
    }
    fh_allocator *a = t->allocator;
    fh_secrets_wipe(&t->secrets);
    fh_bytes_drop(&t->endpoint);
    fh_bytes_drop(&t->identity);
    fh_bytes_drop(&t->peer_name);
    fh_monitor_free(t->monitor);
    fh_free(a, t);
}

/* --- connections ---------------------------------------------------------------------------------------------------------- */

/* From the system; of a session of CURVE. */
static void draw(void *ctx, fh_mut fh_mspan out) {
    (void)ctx;
    uint64_t bits = 0;
    for (size_t i = 0; i < out.size; i++, bits >>= 8) {
        if (i % sizeof bits == 0)
            bits = fh_os_random();
        *fh_mspan_at(out, i) = (uint8_t)bits;
    }
}

/* -1 is what is not said. */
static uint32_t positive(int64_t value) {
    return value > 0 ? (uint32_t)value : 0;
}

/* The silence after a PING that a session takes for an end. 0 is none that comes: to a session it would be HEARTBEAT_IVL. */
static uint32_t silence_of(int64_t said_ms) {
    return said_ms == 0 ? UINT32_MAX : positive(said_ms);
}

/* What a part of a peer may have: as it was set, but no more than a message may have. 0: what a session has by itself. */
static uint64_t part_max(int64_t said) {
    return said > FH_SOCK_WIRE_BYTES_MAX ? FH_SOCK_WIRE_BYTES_MAX : said > 0 ? (uint64_t)said : 0;
}

fh_status fh_terms_session(const fh_terms *t, fh_allocator *a, fh_page_source *pages, uint64_t now_ms, fh_zmtp **out) {
    const fh_sock_settings *o = &t->settings;
    const fh_secrets *s = &t->secrets;
    fh_zmtp_options options = {
        .socket = t->type,
        .mechanism = s->mechanism,
        .bound = t->bound,
        .server = s->server,
        .authorize = s->mechanism == FH_ZMTP_NULL ? s->domain.size != 0 : s->server,
        .identity = t->identity.span,
        .username = s->server ? (fh_span){NULL, 0} : view(&s->username),
        .password = s->server ? (fh_span){NULL, 0} : view(&s->password),
        .public_key = view(&s->public_key),
        .secret_key = view(&s->secret_key),
        .server_key = view(&s->server_key),
        .random = draw,
        .heartbeat_ms = positive(o->heartbeat_ivl),
        .heartbeat_timeout_ms = silence_of(o->heartbeat_timeout),
        .heartbeat_ttl_ms = positive(o->heartbeat_ttl),
        .limits = {.frame_bytes = part_max(o->message_max),
                   .parts = PARTS_MAX,
                   .handshake_ms = o->handshake_ivl > 0 ? (uint32_t)o->handshake_ivl : UINT32_MAX,
                   .out_bytes = OUT_BYTES},
    };
    return fh_zmtp_new(a, pages, &options, now_ms, out, NULL);
}

fh_net_socket_options fh_terms_options(const fh_terms *t) {
    const fh_sock_settings *o = &t->settings;
    return (fh_net_socket_options){
        .backlog = (uint32_t)o->backlog,
        .send_buffer = positive(o->send_buffer),
        .receive_buffer = positive(o->receive_buffer),
        .type_of_service = (uint32_t)o->type_of_service,
        .keep_alive = o->keep_alive == 1,
        .keep_idle_s = positive(o->keep_idle),
        .keep_interval_s = positive(o->keep_interval),
        .keep_count = positive(o->keep_count),
        .unheard_ms = positive(o->unheard_max),
        .source = t->route.from.kind != FH_ADDRESS_NONE ? &t->route.from : NULL,
    };
}

bool fh_terms_subscribes(const fh_terms *t) {
    return t->type == FH_ZMTP_SUB || t->type == FH_ZMTP_XSUB || t->type == FH_ZMTP_DISH;
}

bool fh_terms_publishes(const fh_terms *t) {
    return t->type == FH_ZMTP_PUB || t->type == FH_ZMTP_XPUB || t->type == FH_ZMTP_RADIO;
}

bool fh_terms_speaks_first(const fh_terms *t) {
    unsigned types = FH_ZMTP_BIT(PAIR) | FH_ZMTP_BIT(PUSH) | FH_ZMTP_BIT(DEALER) | FH_ZMTP_BIT(REQ) | FH_ZMTP_BIT(CLIENT) |
                     FH_ZMTP_BIT(SCATTER) | FH_ZMTP_BIT(PEER) | FH_ZMTP_BIT(CHANNEL) | FH_ZMTP_BIT(STREAM);
    bool named = t->type == FH_ZMTP_ROUTER && t->peer_name.span.size != 0;
    return !t->bound && (fh_terms_subscribes(t) || (!t->settings.immediate && (named || (1u << t->type & types) != 0)));
}

/* Of a lane for messages. One that has nothing to carry takes no room. */
static uint32_t mark_of(fh_ref const fh_terms *t, unsigned idle, int64_t mark) {
    if ((1u << t->type & idle) != 0)
        return 1;
    return t->settings.conflate && fh_link_conflates(t->type) ? FH_LANE_CONFLATES : (uint32_t)mark;
}

fh_link_marks fh_terms_marks(const fh_terms *t) {
    uint32_t there = mark_of(t, FH_ZMTP_BIT(PUSH) | FH_ZMTP_BIT(SCATTER), t->settings.receive_mark);
    uint32_t back = mark_of(t, FH_ZMTP_BIT(PULL) | FH_ZMTP_BIT(GATHER), t->settings.send_mark);
    return (fh_link_marks){
        .there = fh_terms_publishes(t) ? HEARD_MARK : there,
        .back = fh_terms_subscribes(t) ? FH_UPSTREAM_MARK : back,
    };
}
