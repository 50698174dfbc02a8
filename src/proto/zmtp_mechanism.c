/* zmtp_mechanism.c: the handshakes of NULL (RFC 37, "The NULL Security Mechanism") and PLAIN (RFC 24), both ways, and the
 * properties that end each:
 *
 *     NULL     C: READY properties                 PLAIN     C: HELLO name password
 *              S: READY properties, or ERROR                 S: WELCOME, or ERROR
 *                                                            C: INITIATE properties
 *                                                            S: READY properties, or ERROR
 *
 * 3.0 has no roles in NULL: there both sides begin, "to avoid deadlocks". A side that may not come in is told so by ERROR,
 * as long as our READY has not said the contrary. Threading: zmtp.h. */
#include "proto/zmtp_curve.h"

/* --- properties ----------------------------------------------------------------------------------------------------------- */

bool fh_zmtp_identity_sound(fh_span identity) {
    return identity.size <= FH_ZMTP_IDENTITY_MAX && (identity.size == 0 || fh_span_at(identity, 0) != 0);
}

/* Whether a socket of this type tells its identity. */
static bool has_identity(fh_zmtp_socket type) {
    return type == FH_ZMTP_REQ || type == FH_ZMTP_DEALER || type == FH_ZMTP_ROUTER;
}

/* resource = name * ( "/" name ), each name of at least one character. */
static bool is_resource(fh_span r) {
    bool good = r.size != 0, begins = true;
    for (size_t i = 0; good && i < r.size; i++) {
        uint8_t c = fh_span_at(r, i), letter = c & 0xdf;
        bool slash = c == '/';
        bool in_name = (letter >= 'A' && letter <= 'Z') || (c >= '0' && c <= '9') || c == '$' || c == '-' || c == '_' ||
                       c == '@' || c == '.' || c == '&' || c == '+';
        good = slash ? !begins : in_name;
        begins = slash;
    }
    return good && !begins;
}

/* Appends a property to the first *size bytes of `to`. */
static fh_status put_property(fh_mspan to, size_t *size, fh_span name, fh_span value) {
    fh_mspan rest;
    size_t more;
    if (!fh_mspan_slice(to, *size, to.size - *size, &rest))
        return FH_STATUS(FH_LIMIT);
    FH_TRY(fh_zmtp_property_put(rest, (fh_zmtp_property){name, value}, &more));
    *size += more;
    return FH_DONE;
}

fh_status fh_zmtp_metadata_put(const fh_zmtp_options *o, fh_mspan to, size_t *size) {
    size_t at = 0, checked = 0;
    fh_zmtp_property p;
    fh_status s = FH_DONE;
    *size = 0;
    if (!fh_zmtp_identity_sound(o->identity) || (o->resource.size != 0 && !is_resource(o->resource)))
        return FH_STATUS(FH_INVALID);
    FH_TRY(put_property(to, &at, FH_LIT("Socket-Type"), fh_zmtp_socket_name(o->socket)));
    if (has_identity(o->socket))
        FH_TRY(put_property(to, &at, FH_LIT("Identity"), o->identity));
    if (o->resource.size != 0)
        FH_TRY(put_property(to, &at, FH_LIT("Resource"), o->resource));
    while ((s = fh_zmtp_property_next(o->metadata, &checked, &p)).code == FH_OK)
        FH_TRY(put_property(to, &at, p.name, p.value));
    *size = at;
    return s.code == FH_END ? FH_DONE : FH_STATUS(FH_INVALID);
}

/* What the peer's properties say, and where in them. */
typedef struct found {
    bool socket, identity, resource;
    fh_zmtp_socket type;
    fh_zmtp_range identity_in, resource_in;
} found;

static fh_zmtp_fault_kind look(fh_span metadata, found *f) {
    size_t at = 0;
    fh_zmtp_property p;
    fh_status s = FH_DONE;
    *f = (found){.type = FH_ZMTP_UNKNOWN};
    while ((s = fh_zmtp_property_next(metadata, &at, &p)).code == FH_OK) {
        bool again = false;
        if (fh_zmtp_name_equal(p.name, FH_LIT("Socket-Type"))) {
            again = f->socket;
            f->socket = true;
            f->type = fh_zmtp_socket_of(p.value);
        } else if (fh_zmtp_name_equal(p.name, FH_LIT("Identity"))) {
            again = f->identity;
            f->identity = true;
            f->identity_in = (fh_zmtp_range){at - p.value.size, p.value.size};
        } else if (fh_zmtp_name_equal(p.name, FH_LIT("Resource"))) {
            again = f->resource;
            f->resource = true;
            f->resource_in = (fh_zmtp_range){at - p.value.size, p.value.size};
        }
        if (again)
            return FH_ZMTP_FAULT_METADATA;
    }
    return s.code == FH_END ? FH_ZMTP_FAULT_NONE : FH_ZMTP_FAULT_METADATA;
}

/* What of it cannot be. */
static fh_zmtp_fault_kind judge(const fh_zmtp *z, fh_span metadata, found *f) {
    fh_zmtp_fault_kind fault = look(metadata, f);
    if (fault != FH_ZMTP_FAULT_NONE)
        return fault;
    if (f->socket && !fh_zmtp_sockets_match(z->options.socket, f->type))
        return FH_ZMTP_FAULT_SOCKET;
    if (f->identity && f->socket && !has_identity(f->type)) /* "For all other socket types … shall be ignored" */
        f->identity_in = (fh_zmtp_range){0, 0};
    if (!fh_zmtp_identity_sound(fh_span_sub(metadata, f->identity_in.from, f->identity_in.size)))
        return FH_ZMTP_FAULT_IDENTITY;
    bool sound = !f->resource || is_resource(fh_span_sub(metadata, f->resource_in.from, f->resource_in.size));
    return sound ? FH_ZMTP_FAULT_NONE : FH_ZMTP_FAULT_RESOURCE;
}

/* True while an ERROR may still be sent: clients of PLAIN and CURVE have none, and who said READY let the peer in. */
static bool may_refuse(const fh_zmtp *z) {
    return !z->sent_ready && (z->options.mechanism == FH_ZMTP_NULL || z->options.server);
}

/* Keeps the properties of the peer, if they are sound. */
fh_status fh_zmtp_metadata_take(fh_zmtp *z, fh_span metadata) {
    found f = {0};
    fh_zmtp_fault_kind fault = judge(z, metadata, &f);
    if (fault == FH_ZMTP_FAULT_SOCKET && may_refuse(z))
        FH_TRY(fh_zmtp_put_error(z, FH_LIT("Invalid socket type")));
    if (fault != FH_ZMTP_FAULT_NONE)
        return fh_zmtp_break(z, fault);
    FH_TRY(fh_bytes_copy(z->allocator, metadata, &z->metadata));
    z->peer_told = true;
    z->peer_socket = f.type;
    z->identity = f.identity_in;
    z->resource = f.resource_in;
    return FH_DONE;
}

/* --- out ----------------------------------------------------------------------------------------------------------------- */

static fh_status put_ready(fh_zmtp *z) {
    FH_TRY(fh_zmtp_put_command(&z->out, FH_LIT("READY"), fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_METADATA), FH_LIT("")));
    z->sent_ready = true;
    return FH_DONE;
}

/* hello = username password, each with a byte of size before it. */
static fh_status put_hello(fh_zmtp *z) {
    uint8_t both[2 * (1 + UINT8_MAX)];
    fh_span name = fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_USERNAME);
    fh_span password = fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_PASSWORD);
    fh_mspan all = {both, sizeof both}, first = {NULL, 0}, second = {NULL, 0};
    bool inside = fh_mspan_slice(all, 1, name.size, &first) && fh_mspan_slice(all, 2 + name.size, password.size, &second);
    FH_ASSERT(inside);
    *fh_mspan_at(all, 0) = (uint8_t)name.size;
    fh_span_copy(first, name);
    *fh_mspan_at(all, 1 + name.size) = (uint8_t)password.size;
    fh_span_copy(second, password);
    fh_status s = fh_zmtp_put_command(&z->out, FH_LIT("HELLO"),
                                      fh_span_sub(fh_span_of_mut(all), 0, 2 + name.size + password.size), FH_LIT(""));
    fh_mspan_fill(all, 0);
    return s;
}

/* --- both ---------------------------------------------------------------------------------------------------------------- */

fh_status fh_zmtp_handshake_begin(fh_zmtp *z) {
    if (z->options.mechanism == FH_ZMTP_CURVE)
        return fh_zmtp_curve_begin(z);
    bool server = z->options.server, asks = z->options.authorize, bound = z->options.bound;
    if (z->options.mechanism == FH_ZMTP_PLAIN) {
        if (!server) {
            FH_TRY(put_hello(z));
            fh_zmtp_text_wipe(&z->texts, FH_ZMTP_TEXT_PASSWORD);
        }
        z->step = server ? FH_ZMTP_WAIT_HELLO : FH_ZMTP_WAIT_WELCOME;
        return FH_DONE;
    }
    /* who connects begins; with 3.0 both, unless we ask whether the peer may come in at all */
    if (!asks && (!bound || z->version == FH_ZMTP_3_0))
        FH_TRY(put_ready(z));
    z->step = asks && !bound ? FH_ZMTP_WAIT_ANSWER : FH_ZMTP_WAIT_READY;
    return FH_DONE;
}

/* The peer's properties have come with READY or INITIATE, and ours go out if they did not yet. */
static fh_status exchange(fh_zmtp *z, fh_span metadata) {
    fh_span ours = fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_METADATA);
    FH_TRY(fh_zmtp_out_reserve(&z->out, FH_ZMTP_HEAD_MAX + FH_ZMTP_NAME_ROOM + ours.size, 0));
    FH_TRY(fh_zmtp_metadata_take(z, metadata));
    if (z->options.authorize && z->options.mechanism == FH_ZMTP_NULL && !z->sent_ready) {
        z->step = FH_ZMTP_WAIT_ANSWER;
        return FH_DONE;
    }
    if (!z->sent_ready && (z->options.mechanism == FH_ZMTP_NULL || z->options.server))
        FH_TRY(put_ready(z));
    fh_zmtp_connected(z);
    return FH_DONE;
}

/* hello = username password; both are slices of the body. */
static fh_status take_hello(fh_zmtp *z, fh_bytes body, fh_span data) {
    size_t at = body.span.size - data.size, name = data.size != 0 ? fh_span_at(data, 0) : 0;
    if (data.size < 2 + name || fh_span_at(data, 1 + name) != data.size - 2 - name)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_HELLO);
    FH_TRY(fh_bytes_slice(body, at + 1, name, &z->auth));
    FH_TRY(fh_bytes_slice(body, at + 2 + name, data.size - 2 - name, &z->auth_extra));
    z->step = FH_ZMTP_WAIT_ANSWER;
    return FH_DONE;
}

static fh_status take_welcome(fh_zmtp *z, fh_span data) {
    if (data.size != 0)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_WELCOME);
    FH_TRY(fh_zmtp_put_command(&z->out, FH_LIT("INITIATE"), fh_zmtp_text_of(&z->texts, FH_ZMTP_TEXT_METADATA), FH_LIT("")));
    z->step = FH_ZMTP_WAIT_READY;
    return FH_DONE;
}

/* True if `name` is the command that is waited for. */
static bool is_due(const fh_zmtp *z, fh_span name) {
    switch (z->step) {
    case FH_ZMTP_WAIT_HELLO:
        return fh_span_is(name, "HELLO");
    case FH_ZMTP_WAIT_WELCOME:
        return fh_span_is(name, "WELCOME");
    case FH_ZMTP_WAIT_INITIATE:
        return fh_span_is(name, "INITIATE");
    case FH_ZMTP_WAIT_READY:
        return fh_span_is(name, "READY");
    case FH_ZMTP_WAIT_ANSWER:
        break;
    }
    return false;
}

fh_status fh_zmtp_handshake_frame(fh_zmtp *z, fh_bytes body, fh_zmtp_event *event) {
    fh_span name, data;
    bool named = fh_zmtp_command_split(body.span, &name, &data);
    if ((z->flags & FH_ZMTP_COMMAND) == 0 || !named)
        return fh_zmtp_break(z, named ? FH_ZMTP_FAULT_UNEXPECTED : FH_ZMTP_FAULT_COMMAND);
    /* a client of PLAIN "MAY" close, but has no ERROR to send */
    if (fh_span_is(name, "ERROR") && (z->options.mechanism == FH_ZMTP_NULL || !z->options.server))
        return fh_zmtp_error_command(z, body, data, event);
    if (!is_due(z, name))
        return fh_zmtp_break(z, FH_ZMTP_FAULT_UNEXPECTED);
    if (z->options.mechanism == FH_ZMTP_CURVE)
        return fh_zmtp_curve_command(z, data);
    if (z->step == FH_ZMTP_WAIT_HELLO)
        return take_hello(z, body, data);
    return z->step == FH_ZMTP_WAIT_WELCOME ? take_welcome(z, data) : exchange(z, data);
}

fh_status fh_zmtp_handshake_accept(fh_zmtp *z) {
    if (z->options.mechanism == FH_ZMTP_PLAIN) {
        FH_TRY(fh_zmtp_put_command(&z->out, FH_LIT("WELCOME"), FH_LIT(""), FH_LIT("")));
        z->step = FH_ZMTP_WAIT_INITIATE;
        return FH_DONE;
    }
    if (z->options.mechanism == FH_ZMTP_CURVE)
        return fh_zmtp_curve_accept(z);
    FH_TRY(put_ready(z));
    if (z->peer_told)
        fh_zmtp_connected(z);
    else
        z->step = FH_ZMTP_WAIT_READY;
    return FH_DONE;
}
