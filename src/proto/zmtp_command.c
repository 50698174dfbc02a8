/* zmtp_command.c: commands amid the traffic, and ERROR, both ways (RFC 37):
 *
 *     command   = name data          name = one byte of size, 1 to 255 letters ("Formal Grammar")
 *     SUBSCRIBE, CANCEL = prefix     "The Publish-Subscribe Pattern"; below 3.1 a message that begins with 1 or 0 (RFC 23)
 *     JOIN, LEAVE       = group      "The Radio-Dish Pattern": bytes 1 to 255
 *     PING              = ttl context  two bytes, tenths of a second; up to 16 bytes ("Connection Heartbeating")
 *     PONG              = context
 *     ERROR             = reason     one byte of size, that many characters ("The NULL Security Mechanism")
 *
 * Commands with other names are left alone: later versions may have some. Threading: zmtp.h. */
#include "freehold/checked.h"
#include "proto/zmtp_curve.h"

enum { TTL_BYTES = 2, TTL_UNIT_MS = 100 };

static bool publishes(const fh_zmtp *z) {
    return z->options.socket == FH_ZMTP_PUB || z->options.socket == FH_ZMTP_XPUB;
}

/* --- any command ---------------------------------------------------------------------------------------------------------- */

bool fh_zmtp_command_split(fh_span body, fh_span *name, fh_span *data) {
    *name = *data = (fh_span){NULL, 0};
    size_t size = body.size != 0 ? fh_span_at(body, 0) : 0;
    if (size == 0 || !fh_span_slice(body, 1, size, name))
        return false;
    *data = fh_span_from(body, 1 + size);
    for (size_t i = 0; i < size; i++) {
        uint8_t c = fh_span_at(*name, i) & 0xdf;
        if (c < 'A' || c > 'Z')
            return false;
    }
    return true;
}

fh_status fh_zmtp_put_command(fh_zmtp_out_queue *out, fh_span name, fh_span data, fh_span more) {
    uint8_t size = (uint8_t)name.size;
    size_t all;
    if (!fh_add_size(data.size, 1 + name.size + more.size, &all))
        return FH_STATUS(FH_LIMIT);
    FH_TRY(fh_zmtp_out_reserve(out, FH_ZMTP_HEAD_MAX + all, 0));
    fh_zmtp_put_head(out, FH_ZMTP_3_0, FH_ZMTP_COMMAND, all);
    fh_zmtp_out_put(out, (fh_span){&size, 1});
    fh_zmtp_out_put(out, name);
    fh_zmtp_out_put(out, data);
    fh_zmtp_out_put(out, more);
    return FH_DONE;
}

fh_status fh_zmtp_send_command(fh_zmtp *z, fh_span name, fh_span data) {
    if (z->curve == NULL)
        return fh_zmtp_put_command(&z->out, name, data, FH_LIT(""));
    uint8_t head[FH_ZMTP_NAME_ROOM] = {(uint8_t)name.size};
    fh_mspan all = {head, sizeof head}, letters = {NULL, 0};
    bool fits = fh_mspan_slice(all, 1, name.size, &letters);
    FH_ASSERT(fits);
    fh_span_copy(letters, name);
    FH_TRY(fh_zmtp_out_reserve(&z->out, fh_zmtp_curve_size(1 + name.size + data.size), 0));
    fh_zmtp_curve_put(&z->out, z->curve, z->options.server, FH_ZMTP_COMMAND,
                      fh_span_sub(fh_span_of_mut(all), 0, 1 + name.size), data);
    return FH_DONE;
}

/* --- ERROR ---------------------------------------------------------------------------------------------------------------- */

fh_status fh_zmtp_put_error(fh_zmtp *z, fh_span reason) {
    uint8_t size = (uint8_t)(reason.size < FH_ZMTP_REASON_MAX ? reason.size : FH_ZMTP_REASON_MAX);
    FH_TRY(fh_zmtp_put_command(&z->out, FH_LIT("ERROR"), (fh_span){&size, 1}, fh_span_sub(reason, 0, size)));
    z->sent_error = true;
    return FH_DONE;
}

fh_status fh_zmtp_error_command(fh_zmtp *z, fh_bytes body, fh_span data, fh_zmtp_event *event) {
    if (data.size == 0 || fh_span_at(data, 0) != data.size - 1)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_ERROR);
    FH_TRY(fh_bytes_slice(body, body.span.size - data.size + 1, data.size - 1, &event->body));
    event->kind = FH_ZMTP_REFUSED;
    z->closing = true;
    return FH_DONE;
}

/* --- subscriptions and groups --------------------------------------------------------------------------------------------- */

/* A command for 3.1, a message of one part for older peers. */
static fh_status send_subscription(fh_zmtp *z, fh_span prefix, bool wanted) {
    uint8_t first = wanted;
    size_t all;
    if (z->fault != FH_ZMTP_FAULT_NONE)
        return FH_STATUS(FH_END);
    if (z->stage != FH_ZMTP_AT_TRAFFIC)
        return FH_STATUS(FH_AGAIN);
    if (prefix.size > z->options.limits.frame_bytes)
        return FH_STATUS(FH_LIMIT);
    if (z->version >= FH_ZMTP_3_1)
        return fh_zmtp_send_command(z, wanted ? FH_LIT("SUBSCRIBE") : FH_LIT("CANCEL"), prefix);
    if (!fh_add_size(prefix.size, 1, &all))
        return FH_STATUS(FH_LIMIT);
    FH_TRY(fh_zmtp_out_reserve(&z->out, fh_zmtp_curve_size(all), 0));
    if (z->curve != NULL) {
        fh_zmtp_curve_put(&z->out, z->curve, z->options.server, 0, (fh_span){&first, 1}, prefix);
        return FH_DONE;
    }
    fh_zmtp_put_head(&z->out, z->version, 0, all);
    fh_zmtp_out_put(&z->out, (fh_span){&first, 1});
    fh_zmtp_out_put(&z->out, prefix);
    return FH_DONE;
}

fh_status fh_zmtp_subscribe(fh_zmtp *z, fh_span prefix) {
    return send_subscription(z, prefix, true);
}

fh_status fh_zmtp_cancel(fh_zmtp *z, fh_span prefix) {
    return send_subscription(z, prefix, false);
}

static bool is_group(fh_span group) {
    bool good = group.size <= FH_ZMTP_GROUP_MAX;
    for (size_t i = 0; good && i < group.size; i++)
        good = fh_span_at(group, i) != 0;
    return good;
}

static fh_status send_group(fh_zmtp *z, fh_span name, fh_span group) {
    if (z->fault != FH_ZMTP_FAULT_NONE)
        return FH_STATUS(FH_END);
    if (z->stage != FH_ZMTP_AT_TRAFFIC)
        return FH_STATUS(FH_AGAIN);
    if (!is_group(group))
        return FH_STATUS(FH_INVALID);
    return z->version < FH_ZMTP_3_1 ? FH_STATUS(FH_UNSUPPORTED) : fh_zmtp_send_command(z, name, group);
}

fh_status fh_zmtp_join(fh_zmtp *z, fh_span group) {
    return send_group(z, FH_LIT("JOIN"), group);
}

fh_status fh_zmtp_leave(fh_zmtp *z, fh_span group) {
    return send_group(z, FH_LIT("LEAVE"), group);
}

/* --- heartbeats ----------------------------------------------------------------------------------------------------------- */

fh_status fh_zmtp_put_ping(fh_zmtp *z) {
    uint8_t ttl[TTL_BYTES];
    fh_zmtp_put_number((fh_mspan){ttl, sizeof ttl}, z->options.heartbeat_ttl_ms / TTL_UNIT_MS);
    return fh_zmtp_send_command(z, FH_LIT("PING"), (fh_span){ttl, sizeof ttl});
}

/* "When a peer receives a PING command it SHALL respond with a PONG command that echoes the ping-context"; of one that is
 * longer than it may be, what fits. */
static fh_status ping_command(fh_zmtp *z, fh_span data) {
    if (data.size < TTL_BYTES)
        return fh_zmtp_break(z, FH_ZMTP_FAULT_PING);
    size_t context = data.size - TTL_BYTES < FH_ZMTP_CONTEXT_MAX ? data.size - TTL_BYTES : FH_ZMTP_CONTEXT_MAX;
    if (z->out.bytes >= z->options.limits.out_bytes)
        return FH_STATUS(FH_EXHAUSTED); /* a peer that only asks and never reads cannot fill the memory */
    FH_TRY(fh_zmtp_send_command(z, FH_LIT("PONG"), fh_span_sub(data, TTL_BYTES, context)));
    z->ttl_ms = fh_zmtp_number(fh_span_sub(data, 0, TTL_BYTES)) * TTL_UNIT_MS;
    return FH_DONE;
}

/* --- in ------------------------------------------------------------------------------------------------------------------ */

fh_status fh_zmtp_command_frame(fh_zmtp *z, fh_bytes body, fh_zmtp_event *event) {
    fh_span name, data;
    if (!fh_zmtp_command_split(body.span, &name, &data))
        return fh_zmtp_break(z, FH_ZMTP_FAULT_COMMAND);
    bool subscribe = fh_span_is(name, "SUBSCRIBE"), join = fh_span_is(name, "JOIN");
    if (fh_span_is(name, "PING"))
        return ping_command(z, data);
    if (fh_span_is(name, "ERROR"))
        return fh_zmtp_error_command(z, body, data, event);
    if (fh_span_is(name, "PONG")) {
        if (data.size > FH_ZMTP_CONTEXT_MAX)
            return fh_zmtp_break(z, FH_ZMTP_FAULT_PING);
        event->kind = FH_ZMTP_PONG;
    } else if (subscribe || fh_span_is(name, "CANCEL")) {
        if (!publishes(z))
            return fh_zmtp_break(z, FH_ZMTP_FAULT_UNEXPECTED);
        event->kind = subscribe ? FH_ZMTP_SUBSCRIBE : FH_ZMTP_CANCEL;
    } else if (join || fh_span_is(name, "LEAVE")) {
        if (z->options.socket != FH_ZMTP_RADIO)
            return fh_zmtp_break(z, FH_ZMTP_FAULT_UNEXPECTED);
        if (!is_group(data))
            return fh_zmtp_break(z, FH_ZMTP_FAULT_GROUP);
        event->kind = join ? FH_ZMTP_JOIN : FH_ZMTP_LEAVE;
    }
    if (event->kind == FH_ZMTP_NONE)
        return FH_DONE;
    return fh_bytes_slice(body, body.span.size - data.size, data.size, &event->body);
}

bool fh_zmtp_subscription_part(const fh_zmtp *z, fh_zmtp_event *event) {
    if (!publishes(z) || z->body.span.size == 0 || fh_span_at(z->body.span, 0) > 1)
        return false;
    fh_status s = fh_bytes_slice(z->body, 1, z->body.span.size - 1, &event->body);
    FH_ASSERT(!fh_failed(s));
    event->kind = fh_span_at(z->body.span, 0) == 1 ? FH_ZMTP_SUBSCRIBE : FH_ZMTP_CANCEL;
    return true;
}
