/* zmtp.c: one end of a connection: its life, the events, the messages and the time (zmtp.h).
 *
 * fh_zmtp_next reads a frame, asks the file that knows about it (zmtp_session.h), and lets go of the frame only when that was
 * done: a frame whose work fails for want of memory stays, and is worked on again by the next call. So each of these functions
 * reserves first and changes after.
 *
 * Invariants: fault != NONE ends everything but what waits to be sent; parts_ready only with a whole message in parts.
 * Threading: zmtp.h. */
#include "freehold/checked.h"
#include "proto/zmtp_curve.h"

enum {
    FRAME_BYTES = 64 << 20,
    MESSAGE_BYTES = 256 << 20,
    PARTS = 8192,
    HANDSHAKE_BYTES = 16384,
    HANDSHAKE_MS = 30000,
    OUT_PIECES = 1024,
    OUT_BYTES = 1 << 20,
    TTL_MAX_MS = 6553500,
    METADATA_MAX = 1 << 20,
};

static const fh_bytes nothing = {NULL, {NULL, 0}};

/* What is there leaves its place. */
static fh_owned fh_bytes take(fh_bytes *place) {
    fh_bytes out = *place;
    *place = nothing;
    return out;
}

/* --- faults -------------------------------------------------------------------------------------------------------------- */

static fh_code code_of(fh_zmtp_fault_kind kind) {
#define CODE_OF(name, code, text)   \
    case FH_ZMTP_FAULT_##name:      \
        return FH_##code;
    switch (kind) {
        FH_ZMTP_FAULTS(CODE_OF)
    case FH_ZMTP_FAULT_COUNT:
        break;
    }
#undef CODE_OF
    return FH_INVALID;
}

const char *fh_zmtp_fault_text(fh_zmtp_fault_kind kind) {
#define TEXT_OF(name, code, text)   \
    case FH_ZMTP_FAULT_##name:      \
        return text;
    switch (kind) {
        FH_ZMTP_FAULTS(TEXT_OF)
    case FH_ZMTP_FAULT_COUNT:
        break;
    }
#undef TEXT_OF
    return "unknown";
}

fh_status fh_zmtp_break(fh_zmtp *z, fh_zmtp_fault_kind fault) {
    z->fault = fault;
    return FH_STATUS(code_of(fault));
}

fh_zmtp_fault_kind fh_zmtp_fault(const fh_zmtp *z) {
    return z->fault;
}

/* --- life ---------------------------------------------------------------------------------------------------------------- */

static fh_zmtp_range range_of(const fh_zmtp_texts *t, fh_zmtp_text which) {
    FH_ASSERT(which < FH_ZMTP_TEXTS);
    size_t from = which > 0 ? t->end[which - 1] : 0;
    return (fh_zmtp_range){from, t->end[which] - from};
}

fh_span fh_zmtp_text_of(const fh_zmtp_texts *t, fh_zmtp_text which) {
    fh_zmtp_range r = range_of(t, which);
    return fh_span_sub(fh_span_of_mut(t->all), r.from, r.size);
}

void fh_zmtp_text_wipe(fh_zmtp_texts *t, fh_zmtp_text which) {
    fh_zmtp_range r = range_of(t, which);
    for (size_t i = 0; i < r.size; i++)
        *fh_mspan_at(t->all, r.from + i) = 0;
}

/* What is wrong with options, or NULL. */
static fh_static fh_or_null const char *misuse(const fh_zmtp_options *o) {
    const fh_zmtp_limits *l = &o->limits;
    if (fh_zmtp_socket_name(o->socket).size == 0 || o->socket == FH_ZMTP_STREAM)
        return "no such type of socket";
    if (o->identity.size > FH_ZMTP_IDENTITY_MAX || o->username.size > UINT8_MAX || o->password.size > UINT8_MAX)
        return "an identity, a user's name or a password of more than 255 bytes";
    if (o->version_min > FH_ZMTP_3_1 || o->mechanism > FH_ZMTP_CURVE)
        return "a version or a mechanism that is not known";
    if (l->frame_bytes > SIZE_MAX / 4 || l->message_bytes > SIZE_MAX / 4 || o->heartbeat_ttl_ms > TTL_MAX_MS)
        return "a limit or a time to live that cannot be told";
    bool keys = o->public_key.size == FH_ZMTP_KEY_BYTES && o->secret_key.size == FH_ZMTP_KEY_BYTES &&
                (o->server || o->server_key.size == FH_ZMTP_KEY_BYTES);
    if (o->mechanism == FH_ZMTP_CURVE && (!keys || o->random == NULL))
        return "CURVE without its keys of 32 bytes or without random bytes";
    if (o->metadata.size > METADATA_MAX || o->resource.size > METADATA_MAX)
        return "properties of more than 1 MiB";
    return NULL;
}

static void fill_in(fh_zmtp_options *o) {
    fh_zmtp_limits *l = &o->limits;
    l->frame_bytes = l->frame_bytes != 0 ? l->frame_bytes : FRAME_BYTES;
    l->message_bytes = l->message_bytes != 0 ? l->message_bytes : MESSAGE_BYTES;
    l->parts = l->parts != 0 ? l->parts : PARTS;
    l->handshake_bytes = l->handshake_bytes != 0 ? l->handshake_bytes : HANDSHAKE_BYTES;
    l->handshake_ms = l->handshake_ms != 0 ? l->handshake_ms : HANDSHAKE_MS;
    l->out_pieces = l->out_pieces != 0 ? l->out_pieces : OUT_PIECES;
    l->out_bytes = l->out_bytes != 0 ? l->out_bytes : OUT_BYTES;
    o->heartbeat_timeout_ms = o->heartbeat_timeout_ms != 0 ? o->heartbeat_timeout_ms : o->heartbeat_ms;
    o->version_min = o->version_min != FH_ZMTP_VERSION_NONE ? o->version_min : FH_ZMTP_1_0;
    if (o->mechanism != FH_ZMTP_NULL && o->version_min < FH_ZMTP_3_0)
        o->version_min = FH_ZMTP_3_0;
    o->identity = o->resource = o->metadata = o->username = o->password = (fh_span){NULL, 0};
    o->public_key = o->secret_key = o->server_key = (fh_span){NULL, 0};
}

/* Appends a text of the options. */
static void add_text(fh_zmtp_texts *t, size_t *at, fh_zmtp_text which, fh_span text) {
    fh_mspan to = {NULL, 0};
    bool inside = fh_mspan_slice(t->all, *at, text.size, &to);
    FH_ASSERT(inside && which < FH_ZMTP_TEXTS);
    fh_span_copy(to, text);
    *at += text.size;
    t->end[which] = *at;
}

static fh_status take_options(fh_zmtp *z, const fh_zmtp_options *o, fh_err *err) {
    size_t at = 0, fixed = 128; /* names and sizes of the properties that are ours */
    size_t strings = o->username.size + o->password.size + o->public_key.size + o->secret_key.size + o->server_key.size;
    size_t room = fixed + 2 * o->identity.size + o->resource.size + o->metadata.size + strings;
    uint8_t *text = fh_alloc(z->allocator, room, 1);
    if (text == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a connection's options");
    z->texts.all = (fh_mspan){text, room};
    fh_status s = fh_zmtp_metadata_put(o, z->texts.all, &at);
    if (fh_failed(s))
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "an identity, a resource or properties that cannot be sent");
    z->texts.end[FH_ZMTP_TEXT_METADATA] = at;
    add_text(&z->texts, &at, FH_ZMTP_TEXT_IDENTITY, o->identity);
    add_text(&z->texts, &at, FH_ZMTP_TEXT_USERNAME, o->username);
    add_text(&z->texts, &at, FH_ZMTP_TEXT_PASSWORD, o->password);
    add_text(&z->texts, &at, FH_ZMTP_TEXT_PUBLIC, o->public_key);
    add_text(&z->texts, &at, FH_ZMTP_TEXT_SECRET, o->secret_key);
    add_text(&z->texts, &at, FH_ZMTP_TEXT_SERVER, o->server_key);
    return FH_DONE;
}

fh_status fh_zmtp_new(fh_allocator *a, fh_page_source *pages, const fh_zmtp_options *options, uint64_t now_ms, fh_zmtp **out,
                      fh_err *err) {
    *out = NULL;
    const char *bad = misuse(options);
    if (bad != NULL)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "options of a connection: %s", bad);
    if (options->mechanism == FH_ZMTP_CURVE && !fh_box_available())
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "CURVE: this library was built without libsodium");
    fh_zmtp *z = fh_alloc(a, 1, sizeof *z);
    if (z == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a connection");
    z->allocator = z->parts.allocator = z->given.allocator = z->out.queue.allocator = a;
    z->in.pages = z->out.pages = pages;
    z->options = *options;
    fill_in(&z->options);
    z->peer_socket = FH_ZMTP_UNKNOWN;
    z->handshake_left = z->options.limits.handshake_bytes;
    z->now_ms = z->born_ms = z->heard_ms = z->pinged_ms = now_ms;
    fh_status s = take_options(z, options, err);
    if (!fh_failed(s) && options->mechanism == FH_ZMTP_CURVE) {
        z->curve = fh_alloc(a, 1, sizeof *z->curve);
        if (z->curve == NULL)
            s = fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a connection's keys");
    }
    s = fh_failed(s) ? s : fh_zmtp_greet(z);
    if (fh_failed(s)) {
        fh_zmtp_free(z);
        return s;
    }
    *out = z;
    return FH_DONE;
}

fh_status fh_zmtp_pages_set(fh_zmtp *z, fh_page_source *pages) {
    if (z->in.slab.token != 0 || z->in.io || z->out.pack.token != 0)
        return FH_STATUS(FH_BORROWED);
    z->in.pages = z->out.pages = pages;
    return FH_DONE;
}

static void wipe_curve(fh_or_null fh_zmtp_curve *c) {
    if (c == NULL)
        return;
    fh_box_wipe((fh_mspan){c->secret, sizeof c->secret});
    fh_box_wipe((fh_mspan){c->cookie, sizeof c->cookie});
    fh_box_wipe((fh_mspan){c->key, sizeof c->key});
}

void fh_zmtp_free(fh_zmtp *z) {
    if (z == NULL)
        return;
    fh_allocator *a = z->allocator;
    fh_zmtp_in_deinit(&z->in);
    fh_bytes_drop(&z->body);
    fh_bytes_drop(&z->metadata);
    fh_bytes_drop(&z->auth);
    fh_bytes_drop(&z->auth_extra);
    fh_zmtp_list_deinit(&z->parts);
    fh_zmtp_list_deinit(&z->given);
    fh_zmtp_out_deinit(&z->out);
    wipe_curve(z->curve);
    fh_free(a, z->curve);
    fh_box_wipe(z->texts.all);
    fh_free(a, z->texts.all.at);
    fh_free(a, z);
}

fh_zmtp_peer fh_zmtp_peer_get(const fh_zmtp *z) {
    fh_span all = z->metadata.span;
    return (fh_zmtp_peer){
        .version = z->version,
        .socket = z->peer_socket,
        .identity = fh_span_sub(all, z->identity.from, z->identity.size),
        .resource = fh_span_sub(all, z->resource.from, z->resource.size),
        .metadata = z->version >= FH_ZMTP_3_0 ? all : FH_LIT(""),
    };
}

void fh_zmtp_connected(fh_zmtp *z) {
    z->stage = FH_ZMTP_AT_TRAFFIC;
    z->announce = true;
    z->pinged_ms = z->now_ms;
}

void fh_zmtp_event_drop(fh_zmtp_event *e) {
    fh_bytes_drop(&e->body);
    fh_bytes_drop(&e->extra);
    *e = (fh_zmtp_event){.kind = FH_ZMTP_NONE};
}

/* --- in ------------------------------------------------------------------------------------------------------------------ */

static void heard(fh_zmtp *z, uint64_t now_ms) {
    z->now_ms = now_ms > z->now_ms ? now_ms : z->now_ms;
    z->heard_ms = z->now_ms;
    z->pinging = false;
}

fh_status fh_zmtp_feed(fh_zmtp *z, uint64_t now_ms, fh_bytes *bytes) {
    if (z->fault != FH_ZMTP_FAULT_NONE)
        return FH_STATUS(FH_END);
    bool some = bytes->span.size != 0;
    FH_TRY(fh_zmtp_in_feed(&z->in, bytes));
    if (some)
        heard(z, now_ms);
    return FH_DONE;
}

fh_status fh_zmtp_begin_io(fh_zmtp *z, fh_mspan *room) {
    *room = (fh_mspan){NULL, 0};
    if (z->fault != FH_ZMTP_FAULT_NONE)
        return FH_STATUS(FH_END);
    return z->headed && !z->framed ? fh_zmtp_in_begin_io(&z->in, z->size, room) : FH_STATUS(FH_AGAIN);
}

fh_status fh_zmtp_end_io(fh_zmtp *z, uint64_t now_ms, size_t written) {
    FH_TRY(fh_zmtp_in_end_io(&z->in, written));
    if (written != 0)
        heard(z, now_ms);
    return FH_DONE;
}

/* RFC 37, "Thread-Safe Socket Types": they "MUST discard any multipart messages"; what RADIO says has two parts. */
static bool one_part(fh_zmtp_socket s) {
    return s == FH_ZMTP_CLIENT || s == FH_ZMTP_SERVER || s == FH_ZMTP_SCATTER || s == FH_ZMTP_GATHER || s == FH_ZMTP_PEER ||
           s == FH_ZMTP_CHANNEL;
}

static bool two_parts(fh_zmtp_socket s) {
    return s == FH_ZMTP_RADIO || s == FH_ZMTP_DISH;
}

/* Forgets the parts of a message that is not to be had. */
static void drop_parts(fh_zmtp *z) {
    while (z->parts.count != 0)
        fh_zmtp_list_unpush(&z->parts);
}

/* A part has come as z->body. Parts of a message of several wait for the last one. */
static fh_status take_part(fh_zmtp *z, bool more, fh_zmtp_event *event) {
    const fh_zmtp_limits *limits = &z->options.limits;
    fh_zmtp_socket socket = z->options.socket;
    uint64_t bytes;
    if (z->parts_count == limits->parts)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_PARTS_LIMIT);
    if (!fh_add_u64(z->parts_bytes, z->body.span.size, &bytes) || bytes > limits->message_bytes)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_MESSAGE_LIMIT);
    bool first = z->parts_count == 0;
    if (first && !more && fh_zmtp_subscription_part(z, event))
        return FH_DONE;
    if (first && !more && !two_parts(socket)) {
        event->kind = FH_ZMTP_PART;
        event->body = take(&z->body);
        return FH_DONE;
    }
    bool wrong = one_part(socket) || (two_parts(socket) && more != first);
    if (wrong)
        drop_parts(z);
    z->discard = z->discard || wrong;
    if (!z->discard) {
        FH_TRY(fh_zmtp_list_reserve(&z->parts, 1));
        fh_zmtp_list_push(&z->parts, take(&z->body), more);
    }
    z->parts_bytes = more ? bytes : 0;
    z->parts_count = more ? z->parts_count + 1 : 0;
    z->parts_ready = !more && !z->discard;
    z->discard = more && z->discard;
    return FH_DONE;
}

/* What is known already and was not told. */
static bool tell(fh_zmtp *z, fh_zmtp_event *event) {
    if (z->announce) {
        event->kind = FH_ZMTP_CONNECTED;
        z->announce = false;
    } else if (z->phantom && z->stage == FH_ZMTP_AT_TRAFFIC) {
        event->kind = FH_ZMTP_SUBSCRIBE;
        z->phantom = false;
    } else if (z->parts_ready) {
        event->kind = FH_ZMTP_PART;
        event->body = fh_zmtp_list_pop(&z->parts, &event->more);
        z->parts_ready = z->parts.count != 0;
    } else if (z->stage == FH_ZMTP_AT_HANDSHAKE && z->step == FH_ZMTP_WAIT_ANSWER && !z->asked) {
        event->kind = FH_ZMTP_AUTH;
        event->body = take(&z->auth);
        event->extra = take(&z->auth_extra);
        z->asked = true;
    }
    return event->kind != FH_ZMTP_NONE;
}

/* A frame that has come: *event tells of it, if it is worth that. */
static fh_status take_frame(fh_zmtp *z, fh_zmtp_event *event) {
    if (z->stage == FH_ZMTP_AT_IDENTITY)
        return fh_zmtp_identity_frame(z);
    if (z->stage == FH_ZMTP_AT_TRAFFIC && z->curve != NULL && !z->opened)
        FH_TRY(fh_zmtp_curve_open(z));
    if (z->stage == FH_ZMTP_AT_TRAFFIC && (z->flags & FH_ZMTP_COMMAND) == 0)
        return take_part(z, (z->flags & FH_ZMTP_MORE) != 0, event);
    fh_bytes body = fh_bytes_share(z->body);
    fh_status s = z->stage == FH_ZMTP_AT_HANDSHAKE ? fh_zmtp_handshake_frame(z, body, event)
                                                   : fh_zmtp_command_frame(z, body, event);
    fh_bytes_drop(&body);
    return s;
}

/* One step: the greeting, or a frame. */
static fh_status advance(fh_zmtp *z, fh_zmtp_event *event) {
    if (z->stage == FH_ZMTP_AT_GREETING)
        return fh_zmtp_greeting_next(z);
    if (z->stage == FH_ZMTP_AT_HANDSHAKE && z->step == FH_ZMTP_WAIT_ANSWER)
        return FH_STATUS(FH_AGAIN);
    FH_TRY(fh_zmtp_frame_next(z));
    FH_TRY(take_frame(z, event));
    fh_zmtp_frame_done(z);
    return FH_DONE;
}

fh_status fh_zmtp_next(fh_zmtp *z, fh_zmtp_event *event, fh_err *err) {
    *event = (fh_zmtp_event){.kind = FH_ZMTP_NONE};
    if (fh_zmtp_next_part(z, &event->body)) {
        event->kind = FH_ZMTP_PART;
        return FH_DONE;
    }
    while (!tell(z, event)) {
        if (z->closing && z->fault == FH_ZMTP_FAULT_NONE)
            z->fault = FH_ZMTP_FAULT_REFUSED;
        fh_status s = z->fault == FH_ZMTP_FAULT_NONE ? advance(z, event) : FH_DONE;
        if (z->fault != FH_ZMTP_FAULT_NONE)
            return fh_fail(err, code_of(z->fault), z->offset, "%s", fh_zmtp_fault_text(z->fault));
        if (fh_failed(s) || event->kind != FH_ZMTP_NONE)
            return s;
    }
    return FH_DONE;
}

/* True while an answer is due. */
static bool waits(const fh_zmtp *z) {
    return z->asked && z->stage == FH_ZMTP_AT_HANDSHAKE && z->step == FH_ZMTP_WAIT_ANSWER && z->fault == FH_ZMTP_FAULT_NONE;
}

fh_status fh_zmtp_accept(fh_zmtp *z) {
    if (!waits(z))
        return FH_STATUS(FH_INVALID);
    return fh_zmtp_handshake_accept(z);
}

fh_status fh_zmtp_refuse(fh_zmtp *z, fh_span reason) {
    if (!waits(z))
        return FH_STATUS(FH_INVALID);
    FH_TRY(fh_zmtp_put_error(z, reason));
    z->fault = FH_ZMTP_FAULT_DENIED;
    return FH_DONE;
}

/* --- out ----------------------------------------------------------------------------------------------------------------- */

fh_status fh_zmtp_send(fh_zmtp *z, fh_bytes *body, bool more) {
    const fh_zmtp_limits *limits = &z->options.limits;
    bool first = z->given.count == 0;
    uint64_t bytes;
    if (z->fault != FH_ZMTP_FAULT_NONE)
        return FH_STATUS(FH_END);
    if (z->stage != FH_ZMTP_AT_TRAFFIC)
        return FH_STATUS(FH_AGAIN);
    if (first && (z->out.bytes >= limits->out_bytes || z->out.queue.count >= limits->out_pieces))
        return FH_STATUS(FH_EXHAUSTED);
    if ((more && one_part(z->options.socket)) || (two_parts(z->options.socket) && more != first))
        return FH_STATUS(FH_INVALID);
    if (!fh_add_u64(z->given_bytes, body->span.size, &bytes) || bytes > limits->message_bytes ||
        z->given.count == limits->parts)
        return FH_STATUS(FH_LIMIT);
    FH_TRY(fh_zmtp_list_reserve(&z->given, 1));
    fh_zmtp_list_push(&z->given, fh_bytes_share(*body), more);
    if (!more) {
        fh_status s = fh_zmtp_put_message(z);
        if (fh_failed(s)) {
            fh_zmtp_list_unpush(&z->given);
            return s;
        }
    }
    z->given_bytes = more ? bytes : 0;
    fh_bytes taken = take(body);
    fh_bytes_drop(&taken);
    return FH_DONE;
}

fh_status fh_zmtp_out(fh_zmtp *z, size_t *pieces) {
    *pieces = 0;
    FH_TRY(fh_zmtp_out_show(&z->out));
    *pieces = z->out.queue.count;
    return FH_DONE;
}

fh_span fh_zmtp_out_view(const fh_zmtp *z, size_t i) {
    if (i >= z->out.queue.count)
        return (fh_span){NULL, 0};
    return fh_span_from(fh_zmtp_list_at(&z->out.queue, i)->bytes.span, i == 0 ? z->out.sent : 0);
}

fh_bytes fh_zmtp_out_share(const fh_zmtp *z, size_t i) {
    fh_bytes out = {NULL, {NULL, 0}};
    if (i >= z->out.queue.count)
        return out;
    fh_bytes whole = fh_zmtp_list_at(&z->out.queue, i)->bytes;
    size_t sent = i == 0 ? z->out.sent : 0;
    fh_status s = fh_bytes_slice(whole, sent, whole.span.size - sent, &out);
    FH_ASSERT(!fh_failed(s));
    return out;
}

fh_status fh_zmtp_sent(fh_zmtp *z, size_t count) {
    return fh_zmtp_out_advance(&z->out, count);
}

uint64_t fh_zmtp_out_bytes(const fh_zmtp *z) {
    return z->out.bytes;
}

/* --- time ---------------------------------------------------------------------------------------------------------------- */

/* `ms` after `at`, or never. */
static uint64_t after(uint64_t at, uint64_t ms) {
    uint64_t sum;
    return fh_add_u64(at, ms, &sum) ? sum : UINT64_MAX;
}

fh_status fh_zmtp_tick(fh_zmtp *z, uint64_t now_ms, uint64_t *next_ms) {
    const fh_zmtp_options *o = &z->options;
    z->now_ms = now_ms > z->now_ms ? now_ms : z->now_ms;
    *next_ms = UINT64_MAX;
    if (z->fault != FH_ZMTP_FAULT_NONE)
        return FH_STATUS(code_of(z->fault));
    if (z->stage != FH_ZMTP_AT_TRAFFIC) {
        *next_ms = after(z->born_ms, o->limits.handshake_ms);
        return *next_ms <= z->now_ms ? fh_zmtp_break(z, FH_ZMTP_FAULT_HANDSHAKE_TIME) : FH_DONE;
    }
    uint64_t silent = z->ttl_ms != 0 ? after(z->heard_ms, z->ttl_ms) : UINT64_MAX, ping = UINT64_MAX;
    if (o->heartbeat_ms != 0 && z->version >= FH_ZMTP_3_0) {
        if (z->pinging) {
            uint64_t late = after(z->pinged_ms, o->heartbeat_timeout_ms);
            silent = late < silent ? late : silent;
        }
        ping = after(z->pinged_ms, o->heartbeat_ms);
    }
    if (silent <= z->now_ms)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_SILENT);
    if (ping <= z->now_ms) {
        if (!z->pinging) { /* one at a time: "a peer should not send more than a small number" */
            uint64_t late = after(z->now_ms, o->heartbeat_timeout_ms);
            silent = late < silent ? late : silent;
            ping = after(z->now_ms, o->heartbeat_ms);
            FH_TRY(fh_zmtp_put_ping(z));
            z->pinging = true;
            z->pinged_ms = z->now_ms;
        } else {
            ping = after(z->now_ms, o->heartbeat_ms);
        }
    }
    *next_ms = silent < ping ? silent : ping;
    return FH_DONE;
}
