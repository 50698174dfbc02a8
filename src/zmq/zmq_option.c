/* zmq_option.c: options of sockets (shell.h).
 *
 * A table says for each number what it is: one that the socket below has, by the same number; or one that is kept and has no
 * effect (docs/LIBZMQ.md has their list). What would weaken a promise if it had no effect, such as a filter of addresses, is
 * refused. Threading: shell.h. */
#include "zmq/shell.h"

enum { TTL_STEP_MS = 100, TTL_MAX_MS = 6553599 };

typedef enum option_kind { BELOW, KEPT } option_kind;

#define ANY UINT32_MAX
#define TYPE(name) (1u << ZMQ_##name)

typedef struct option_row {
    int option;
    option_kind kind;
    int64_t first, least, most;
    uint32_t types;   /* sockets that have it */
    bool is_hidden;   /* it cannot be read */
    bool is_wide;     /* 64 bits */
} option_row;

static const option_row rows[] = {
    {ZMQ_SNDHWM, BELOW, 1000, 0, INT32_MAX, ANY, false, false},
    {ZMQ_RCVHWM, BELOW, 1000, 0, INT32_MAX, ANY, false, false},
    {ZMQ_RCVTIMEO, BELOW, -1, -1, INT32_MAX, ANY, false, false},
    {ZMQ_SNDTIMEO, BELOW, -1, -1, INT32_MAX, ANY, false, false},
    {ZMQ_LINGER, BELOW, -1, -1, INT32_MAX, ANY, false, false},
    {ZMQ_IMMEDIATE, BELOW, 0, 0, 1, ANY, false, false},
    {ZMQ_RECONNECT_IVL, BELOW, 100, -1, INT32_MAX, ANY, false, false},
    {ZMQ_RECONNECT_IVL_MAX, BELOW, 0, 0, INT32_MAX, ANY, false, false},
    {ZMQ_HANDSHAKE_IVL, BELOW, 30000, 0, INT32_MAX, ANY, false, false},
    {ZMQ_HEARTBEAT_IVL, BELOW, 0, 0, INT32_MAX, ANY, false, false},
    {ZMQ_HEARTBEAT_TTL, BELOW, 0, 0, TTL_MAX_MS, ANY, false, false},
    {ZMQ_HEARTBEAT_TIMEOUT, BELOW, -1, 0, INT32_MAX, ANY, false, false},
    {ZMQ_MAXMSGSIZE, BELOW, -1, -1, INT64_MAX, ANY, false, true},
    {ZMQ_BACKLOG, BELOW, 100, 0, INT32_MAX, ANY, false, false},
    {ZMQ_IPV6, BELOW, 0, 0, 1, ANY, false, false},
    {ZMQ_CONFLATE, BELOW, 0, 0, 1, ANY, false, false},
    {ZMQ_ROUTER_MANDATORY, BELOW, 0, 0, 1, TYPE(ROUTER), true, false},
    {ZMQ_ROUTER_HANDOVER, BELOW, 0, 0, 1, TYPE(ROUTER), true, false},
    {ZMQ_ROUTER_NOTIFY, BELOW, 0, 0, 3, TYPE(ROUTER), false, false},
    {ZMQ_PROBE_ROUTER, BELOW, 0, 0, 1, TYPE(ROUTER) | TYPE(DEALER) | TYPE(REQ), true, false},
    {ZMQ_REQ_CORRELATE, BELOW, 0, 0, 1, TYPE(REQ), true, false},
    {ZMQ_REQ_RELAXED, BELOW, 0, 0, 1, TYPE(REQ), true, false},
    {ZMQ_XPUB_VERBOSE, BELOW, 0, 0, 1, TYPE(XPUB), true, false},
    {ZMQ_XPUB_VERBOSER, BELOW, 0, 0, 1, TYPE(XPUB), true, false},
    {ZMQ_XPUB_NODROP, BELOW, 0, 0, 1, TYPE(XPUB) | TYPE(PUB), true, false},
    {ZMQ_XPUB_MANUAL, BELOW, 0, 0, 1, TYPE(XPUB), true, false},
    {ZMQ_XPUB_MANUAL_LAST_VALUE, BELOW, 0, 0, 1, TYPE(XPUB), true, false},
    {ZMQ_STREAM_NOTIFY, BELOW, 1, 0, 1, TYPE(STREAM), true, false},
    {ZMQ_INVERT_MATCHING, BELOW, 0, 0, 1, ANY, false, false},
    {ZMQ_ZAP_ENFORCE_DOMAIN, BELOW, 0, 0, 1, ANY, false, false},
    {ZMQ_AFFINITY, BELOW, 0, 0, INT64_MAX, ANY, false, true},
    {ZMQ_RATE, KEPT, 100, 1, INT32_MAX, ANY, false, false},
    {ZMQ_RECOVERY_IVL, KEPT, 10000, 0, INT32_MAX, ANY, false, false},
    {ZMQ_SNDBUF, BELOW, -1, -1, INT32_MAX, ANY, false, false},
    {ZMQ_RCVBUF, BELOW, -1, -1, INT32_MAX, ANY, false, false},
    {ZMQ_MULTICAST_HOPS, KEPT, 1, 1, INT32_MAX, ANY, false, false},
    {ZMQ_LOOPBACK_FASTPATH, KEPT, 0, 0, 1, ANY, false, false},
    {ZMQ_USE_FD, KEPT, -1, -1, -1, ANY, false, false}, /* no descriptor of the program's is taken over */
    {ZMQ_MULTICAST_LOOP, KEPT, 1, 0, 1, ANY, false, false},
    {ZMQ_MULTICAST_MAXTPDU, KEPT, 1500, 1, INT32_MAX, ANY, false, false},
    {ZMQ_TCP_KEEPALIVE, BELOW, -1, -1, 1, ANY, false, false},
    {ZMQ_TCP_KEEPALIVE_CNT, BELOW, -1, -1, INT32_MAX, ANY, false, false},
    {ZMQ_TCP_KEEPALIVE_IDLE, BELOW, -1, -1, INT32_MAX, ANY, false, false},
    {ZMQ_TCP_KEEPALIVE_INTVL, BELOW, -1, -1, INT32_MAX, ANY, false, false},
    {ZMQ_TCP_MAXRT, BELOW, 0, 0, INT32_MAX, ANY, false, false},
    {ZMQ_TOS, BELOW, 0, 0, INT32_MAX, ANY, false, false},
    {ZMQ_CONNECT_TIMEOUT, BELOW, 0, 0, INT32_MAX, ANY, false, false},
};

static const option_row *find(int option) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].option == option)
            return &rows[i];
    return NULL;
}

void fh_zmq_options_init(fh_zmq_socket *z) {
    const fh_zmq_context *c = z->context;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        z->values[rows[i].option] = rows[i].first;
    z->values[ZMQ_IPV6] = c->ip6;
    z->values[ZMQ_MAXMSGSIZE] = c->message_max != INT32_MAX ? c->message_max : -1;
    z->values[ZMQ_LINGER] = c->blocky ? -1 : 0;
    (void)!fh_failed(fh_sock_set(c->sock, z->sock, FH_SOCK_METADATA, 1));
    (void)!fh_failed(fh_sock_set(c->sock, z->sock, FH_SOCK_UNBIND_ENDS, 1));
    (void)!fh_failed(fh_sock_set(c->sock, z->sock, FH_SOCK_IPV6, z->values[ZMQ_IPV6] != 0));
    (void)!fh_failed(fh_sock_set(c->sock, z->sock, FH_SOCK_MESSAGE_MAX, z->values[ZMQ_MAXMSGSIZE]));
    (void)!fh_failed(fh_sock_set(c->sock, z->sock, FH_SOCK_LINGER, z->values[ZMQ_LINGER]));
}

/* --- security ------------------------------------------------------------------------------------------------------------- */

static fh_span view(const fh_zmq_text *t) {
    return (fh_span){t->bytes, t->size};
}

static fh_status keep(fh_zmq_text *t, fh_span bytes, size_t most) {
    if (bytes.size > most)
        return FH_STATUS(FH_INVALID);
    fh_mspan_fill((fh_mspan){t->bytes, sizeof t->bytes}, 0);
    fh_span_copy((fh_mspan){t->bytes, sizeof t->bytes}, bytes);
    t->size = (uint32_t)bytes.size;
    return FH_DONE;
}

fh_status fh_zmq_options_secure(fh_zmq_socket *z) {
    fh_sock_security s = {.domain = view(&z->domain)};
    if (z->mechanism == ZMQ_PLAIN)
        s = (fh_sock_security){.mechanism = FH_ZMTP_PLAIN, .server = z->is_server, .username = view(&z->username),
                               .password = view(&z->password), .domain = view(&z->domain)};
    if (z->mechanism == ZMQ_CURVE)
        s = (fh_sock_security){.mechanism = FH_ZMTP_CURVE, .server = z->is_server, .public_key = view(&z->public_key),
                               .secret_key = view(&z->secret_key), .server_key = view(&z->server_key),
                               .domain = view(&z->domain)};
    return fh_sock_secure(z->context->sock, z->sock, &s);
}

/* A key as 32 bytes, or as 40 characters of Z85, with or without a NUL. */
static fh_status keep_key(fh_zmq_text *t, fh_span value) {
    uint8_t key[FH_ZMQ_KEY] = {0};
    if (value.size == FH_ZMQ_KEY)
        return keep(t, value, FH_ZMQ_KEY);
    if (value.size == 41 && fh_span_at(value, 40) == 0)
        value = fh_span_sub(value, 0, 40);
    if (value.size != 40 || !fh_zmq_z85_decode((fh_mspan){key, sizeof key}, value))
        return FH_STATUS(FH_INVALID);
    return keep(t, (fh_span){key, sizeof key}, FH_ZMQ_KEY);
}

static fh_status choose(fh_zmq_socket *z, int mechanism, bool server) {
    z->mechanism = mechanism;
    z->is_server = server;
    return FH_DONE;
}

/* A user's name, or a password: none, of 0 bytes, means no security at all. */
static fh_status keep_login(fh_zmq_socket *z, fh_zmq_text *t, fh_span value) {
    if (value.size == 0)
        return choose(z, ZMQ_NULL, false);
    FH_TRY(keep(t, value, 255));
    return choose(z, ZMQ_PLAIN, false);
}

static fh_status set_server(fh_zmq_socket *z, int mechanism, fh_span value) {
    if (value.size != sizeof(int))
        return FH_STATUS(FH_INVALID);
    uint32_t number = fh_span_u32(value, 0);
    if (number > 1)
        return FH_STATUS(FH_INVALID);
    return choose(z, number != 0 ? mechanism : ZMQ_NULL, number != 0);
}

static fh_status set_security(fh_zmq_socket *z, int option, fh_span value) {
    bool is_curve = option >= ZMQ_CURVE_SERVER && option <= ZMQ_CURVE_SERVERKEY;
    FH_UNSAFE("zmq-caller");
    if (is_curve && zmq_has("curve") == 0)
        return FH_STATUS(FH_INVALID);
    switch (option) {
    case ZMQ_PLAIN_SERVER:
        return set_server(z, ZMQ_PLAIN, value);
    case ZMQ_PLAIN_USERNAME:
        return keep_login(z, &z->username, value);
    case ZMQ_PLAIN_PASSWORD:
        return keep_login(z, &z->password, value);
    case ZMQ_CURVE_SERVER:
        return set_server(z, ZMQ_CURVE, value);
    case ZMQ_CURVE_PUBLICKEY:
        FH_TRY(keep_key(&z->public_key, value));
        return choose(z, ZMQ_CURVE, z->is_server && z->mechanism == ZMQ_CURVE);
    case ZMQ_CURVE_SECRETKEY:
        FH_TRY(keep_key(&z->secret_key, value));
        return choose(z, ZMQ_CURVE, z->is_server && z->mechanism == ZMQ_CURVE);
    case ZMQ_CURVE_SERVERKEY:
        FH_TRY(keep_key(&z->server_key, value));
        return choose(z, ZMQ_CURVE, false);
    default:
        return keep(&z->domain, value, 255);
    }
}

/* --- setting -------------------------------------------------------------------------------------------------------------- */

static fh_status set_row(fh_zmq_socket *z, const option_row *r, fh_span value) {
    if (value.size != (r->is_wide ? 8 : 4) || z->type < 0 || z->type > 31 || (r->types >> z->type & 1) == 0)
        return FH_STATUS(FH_INVALID);
    int64_t number = r->is_wide ? (int64_t)fh_span_u64(value, 0) : (int32_t)fh_span_u32(value, 0);
    if (r->most == 1 && r->types != ANY && number > 1)
        number = 1; /* of these any number is true */
    if (number < r->least || number > r->most)
        return FH_STATUS(FH_INVALID);
    int64_t below = number;
    if (r->option == ZMQ_SNDHWM || r->option == ZMQ_RCVHWM)
        below = number < FH_SOCK_MARK_MAX ? number : FH_SOCK_MARK_MAX;
    if (r->option == ZMQ_BACKLOG)
        below = number != 0 ? number : 1;
    if (r->option == ZMQ_TOS)
        below = number & 255;
    if (r->option == ZMQ_HEARTBEAT_TTL)
        below = number = number / TTL_STEP_MS * TTL_STEP_MS;
    if (r->kind == BELOW && number != z->values[r->option])
        FH_TRY(fh_sock_set(z->context->sock, z->sock, (fh_sock_option)r->option, below));
    fh_store(&z->values[r->option], number, FH_RELAXED);
    return FH_DONE;
}

static fh_status set(fh_zmq_socket *z, int option, fh_span value) {
    fh_sock_context *c = z->context->sock;
    fh_status s;
    const option_row *r = find(option);
    if (r != NULL)
        return set_row(z, r, value);
    if ((option >= ZMQ_PLAIN_SERVER && option <= ZMQ_CURVE_SERVERKEY) || option == ZMQ_ZAP_DOMAIN)
        return set_security(z, option, value);
    switch (option) {
    case ZMQ_ROUTING_ID:
        return fh_sock_identify(c, z->sock, value);
    case ZMQ_SUBSCRIBE:
    case ZMQ_UNSUBSCRIBE:
        s = option == ZMQ_SUBSCRIBE ? fh_sock_subscribe(c, z->sock, value) : fh_sock_unsubscribe(c, z->sock, value);
        if (s.code == FH_NOT_FOUND || (s.code == FH_INVALID && z->type == ZMQ_XPUB))
            return FH_DONE; /* nothing to end, or the subscriber is gone */
        return s;
    case ZMQ_XPUB_WELCOME_MSG:
        return fh_sock_welcome(c, z->sock, value);
    case ZMQ_CONNECT_ROUTING_ID:
        return fh_sock_name_next(c, z->sock, value);
    case ZMQ_IPV4ONLY:
        if (value.size != sizeof(int) || fh_span_u32(value, 0) > 1)
            return FH_STATUS(FH_INVALID);
        z->values[ZMQ_IPV6] = fh_span_u32(value, 0) == 0;
        return fh_sock_set(c, z->sock, FH_SOCK_IPV6, z->values[ZMQ_IPV6]);
    case ZMQ_SOCKS_PROXY:
    case ZMQ_BINDTODEVICE:
        return FH_STATUS(value.size == 0 ? FH_OK : FH_INVALID);
    default:
        return FH_STATUS(FH_INVALID);
    }
}

int zmq_setsockopt(void *socket, int option, const void *value, size_t size) {
    fh_zmq_socket *z = fh_zmq_socket_enter(socket);
    if (z == NULL)
        return -1;
    fh_lock_take(&z->lock);
    fh_status s = value == NULL && size != 0 ? FH_STATUS(FH_INVALID) : set(z, option, fh_zmq_span(value, size));
    fh_lock_give(&z->lock);
    fh_zmq_leave(socket);
    if (s.code == FH_UNSUPPORTED || s.code == FH_LIMIT)
        s = FH_STATUS(FH_INVALID);
    return fh_failed(s) ? fh_zmq_refuse(s, EINVAL) : 0;
}

/* --- reading -------------------------------------------------------------------------------------------------------------- */

/* Where a value goes, and what room there is; its size comes back. */
typedef struct answer {
    fh_mspan room;
    size_t size;
} answer;

static fh_status give(answer *out, fh_span value) {
    if (value.size > out->room.size)
        return FH_STATUS(FH_INVALID);
    fh_span_copy(out->room, value);
    out->size = value.size;
    return FH_DONE;
}

static fh_status give_number(answer *out, int64_t value, bool is_wide) {
    uint8_t bytes[8] = {0};
    fh_mspan all = {bytes, sizeof bytes};
    fh_mspan_put_u64(all, 0, (uint64_t)value);
    return give(out, fh_span_sub(fh_span_of_mut(all), 0, is_wide ? 8 : 4));
}

/* A text, with a NUL. */
static fh_status give_text(answer *out, fh_span text) {
    static const uint8_t nul[1];
    if (text.size >= out->room.size)
        return FH_STATUS(FH_INVALID);
    FH_TRY(give(out, text));
    fh_mspan rest;
    if (fh_mspan_slice(out->room, text.size, 1, &rest))
        fh_span_copy(rest, (fh_span){nul, 1});
    out->size++;
    return FH_DONE;
}

static fh_status give_key(answer *out, const fh_zmq_text *key) {
    uint8_t text[40];
    uint8_t zeros[FH_ZMQ_KEY] = {0};
    fh_span bytes = key->size == FH_ZMQ_KEY ? view(key) : (fh_span){zeros, sizeof zeros};
    if (out->room.size == FH_ZMQ_KEY)
        return give(out, bytes);
    if (out->room.size != 41)
        return FH_STATUS(FH_INVALID);
    fh_zmq_z85_encode((fh_mspan){text, sizeof text}, bytes);
    return give_text(out, (fh_span){text, sizeof text});
}

static fh_status give_identity(fh_zmq_socket *z, answer *out) {
    fh_bytes name;
    FH_TRY(fh_sock_identity(z->context->sock, z->sock, &name));
    fh_status s = give(out, name.span);
    fh_bytes_drop(&name);
    return s;
}

static fh_status give_endpoint(fh_zmq_socket *z, answer *out) {
    fh_bytes name;
    FH_TRY(fh_sock_last_endpoint(z->context->sock, z->sock, &name));
    fh_status s = give_text(out, name.span);
    fh_bytes_drop(&name);
    return s;
}

static fh_status give_events(fh_zmq_socket *z, answer *out) {
    int events = fh_zmq_socket_events(z);
    return events < 0 ? FH_STATUS(FH_CANCELED) : give_number(out, events, false);
}

static fh_status give_descriptor(fh_zmq_socket *z, answer *out) {
    int fd;
    FH_TRY(fh_sock_bell(z->context->sock, z->sock, &fd));
    return give_number(out, fd, false);
}

static fh_status get_text(fh_zmq_socket *z, int option, answer *out) {
    switch (option) {
    case ZMQ_ROUTING_ID:
        return give_identity(z, out);
    case ZMQ_LAST_ENDPOINT:
        return give_endpoint(z, out);
    case ZMQ_PLAIN_USERNAME:
        return give_text(out, view(&z->username));
    case ZMQ_PLAIN_PASSWORD:
        return give_text(out, view(&z->password));
    case ZMQ_ZAP_DOMAIN:
        return give_text(out, view(&z->domain));
    case ZMQ_CURVE_PUBLICKEY:
        return give_key(out, &z->public_key);
    case ZMQ_CURVE_SECRETKEY:
        return give_key(out, &z->secret_key);
    case ZMQ_CURVE_SERVERKEY:
        return give_key(out, &z->server_key);
    case ZMQ_SOCKS_PROXY:
    case ZMQ_BINDTODEVICE:
        return give_text(out, FH_LIT(""));
    default:
        return FH_STATUS(FH_INVALID);
    }
}

static fh_status get(fh_zmq_socket *z, int option, answer *out) {
    const option_row *r = find(option);
    if (r != NULL)
        return r->is_hidden ? FH_STATUS(FH_INVALID) : give_number(out, z->values[option], r->is_wide);
    switch (option) {
    case ZMQ_RCVMORE:
        return give_number(out, z->in_more, false);
    case ZMQ_FD:
        return give_descriptor(z, out);
    case ZMQ_EVENTS:
        return give_events(z, out);
    case ZMQ_TYPE:
        return give_number(out, z->type, false);
    case ZMQ_THREAD_SAFE:
        return give_number(out, 0, false);
    case ZMQ_MECHANISM:
        return give_number(out, z->mechanism, false);
    case ZMQ_IPV4ONLY:
        return give_number(out, z->values[ZMQ_IPV6] == 0, false);
    case ZMQ_PLAIN_SERVER:
        return give_number(out, z->is_server && z->mechanism == ZMQ_PLAIN, false);
    case ZMQ_CURVE_SERVER:
        return give_number(out, z->is_server && z->mechanism == ZMQ_CURVE, false);
    default:
        return get_text(z, option, out);
    }
}

int zmq_getsockopt(void *socket, int option, void *value, size_t *size) {
    fh_zmq_socket *z = fh_zmq_socket_enter(socket);
    if (z == NULL)
        return -1;
    fh_status s = FH_STATUS(FH_INVALID);
    if (value != NULL && size != NULL) {
        answer out = {fh_zmq_room(value, *size), 0};
        fh_mspan_fill(out.room, 0); /* a number in a larger place has no other bytes beside it */
        fh_lock_take(&z->lock);
        s = get(z, option, &out);
        fh_lock_give(&z->lock);
        if (!fh_failed(s))
            *size = out.size;
    }
    fh_zmq_leave(socket);
    return fh_failed(s) ? fh_zmq_refuse(s, EINVAL) : 0;
}

/* ZMQ_POLLOUT if there is room for a message to a peer of a ROUTER; 0 if it is full. */
int zmq_socket_get_peer_state(void *socket, const void *routing_id, size_t size) {
    fh_zmq_socket *z = fh_zmq_socket_enter(socket);
    if (z == NULL)
        return -1;
    bool is_given = z->type == ZMQ_ROUTER && (routing_id != NULL || size == 0);
    fh_status s = FH_STATUS(is_given ? FH_OK : z->type == ZMQ_ROUTER ? FH_INVALID : FH_UNSUPPORTED);
    if (is_given)
        s = fh_sock_has_peer(z->context->sock, z->sock, fh_zmq_span(routing_id, size));
    fh_zmq_leave(socket);
    if (!fh_failed(s) || s.code == FH_AGAIN)
        return s.code == FH_AGAIN ? 0 : ZMQ_POLLOUT;
    return s.code == FH_NOT_FOUND ? fh_zmq_fail(EHOSTUNREACH) : fh_zmq_refuse(s, EINVAL);
}
