/* option.c: names and options of a socket (sock.h). Threading: sock.h. */
#include "sock/endpoint.h"

enum { TTL_MAX_MS = 6553500 };

static const fh_bytes nothing = {NULL, {NULL, 0}};

/* --- endpoints ------------------------------------------------------------------------------------------------------------ */

static void remember(fh_mut fh_core *k, fh_move fh_bytes endpoint) {
    fh_bytes_drop(&k->last_endpoint);
    k->last_endpoint = endpoint;
}

static fh_status attach_to(fh_mut fh_sock_context *c, fh_sock s, fh_span endpoint, bool bind, fh_mut fh_err *err) {
    fh_core *k;
    fh_bytes name;
    FH_TRY(fh_endpoint_check(endpoint, err));
    if (fh_context_stopped(c))
        return FH_STATUS(FH_CANCELED);
    FH_TRY(fh_context_enter(c, s, &k));
    fh_status status = fh_endpoint_attach(k, endpoint, bind, &name, err);
    if (!fh_failed(status))
        remember(k, name);
    fh_context_leave(c, s);
    if (fh_failed(status))
        return fh_fail(err, status.code, FH_NO_OFFSET, "%.*s: %s", FH_SPAN_FMT(endpoint), fh_code_text(status.code));
    return FH_DONE;
}

fh_status fh_sock_bind(fh_sock_context *c, fh_sock s, fh_span endpoint, fh_err *err) {
    return attach_to(c, s, endpoint, true, err);
}

fh_status fh_sock_connect(fh_sock_context *c, fh_sock s, fh_span endpoint, fh_err *err) {
    return attach_to(c, s, endpoint, false, err);
}

static fh_status detach_from(fh_mut fh_sock_context *c, fh_sock s, fh_span endpoint, bool bound) {
    fh_core *k;
    FH_TRY(fh_context_enter(c, s, &k));
    fh_status status = fh_endpoint_detach(k, endpoint, bound);
    fh_context_leave(c, s);
    return status;
}

fh_status fh_sock_unbind(fh_sock_context *c, fh_sock s, fh_span endpoint) {
    return detach_from(c, s, endpoint, true);
}

fh_status fh_sock_disconnect(fh_sock_context *c, fh_sock s, fh_span endpoint) {
    return detach_from(c, s, endpoint, false);
}

fh_status fh_sock_last_endpoint(fh_sock_context *c, fh_sock s, fh_bytes *out) {
    fh_core *k;
    *out = nothing;
    FH_TRY(fh_context_enter(c, s, &k));
    *out = fh_bytes_share(k->last_endpoint);
    fh_context_leave(c, s);
    return FH_DONE;
}

/* --- numbers -------------------------------------------------------------------------------------------------------------- */

static fh_status set_number(fh_mut int64_t *setting, int64_t value, int64_t least, int64_t most) {
    if (value < least || value > most)
        return FH_STATUS(FH_INVALID);
    *setting = value;
    return FH_DONE;
}

static fh_status set_flag(fh_mut bool *setting, int64_t value) {
    if (value != 0 && value != 1)
        return FH_STATUS(FH_INVALID);
    *setting = value == 1;
    return FH_DONE;
}

static fh_status set(fh_mut fh_sock_settings *to, fh_sock_option option, int64_t value) {
    switch (option) {
    case FH_SOCK_SEND_MARK:
        return set_number(&to->send_mark, value, 0, FH_SOCK_MARK_MAX);
    case FH_SOCK_RECEIVE_MARK:
        return set_number(&to->receive_mark, value, 0, FH_SOCK_MARK_MAX);
    case FH_SOCK_SEND_TIMEOUT:
        return set_number(&to->send_timeout, value, -1, INT32_MAX);
    case FH_SOCK_RECEIVE_TIMEOUT:
        return set_number(&to->receive_timeout, value, -1, INT32_MAX);
    case FH_SOCK_ROUTER_MANDATORY:
        return set_flag(&to->mandatory, value);
    case FH_SOCK_ROUTER_HANDOVER:
        return set_flag(&to->handover, value);
    case FH_SOCK_PROBE_ROUTER:
        return set_flag(&to->probe, value);
    case FH_SOCK_XPUB_VERBOSE:
        return set_flag(&to->verbose, value);
    case FH_SOCK_LINGER:
        return set_number(&to->linger, value, -1, INT32_MAX);
    case FH_SOCK_IMMEDIATE:
        return set_flag(&to->immediate, value);
    case FH_SOCK_RECONNECT_IVL:
        return set_number(&to->reconnect_ivl, value, -1, INT32_MAX);
    case FH_SOCK_RECONNECT_IVL_MAX:
        return set_number(&to->reconnect_ivl_max, value, 0, INT32_MAX);
    case FH_SOCK_HANDSHAKE_IVL:
        return set_number(&to->handshake_ivl, value, 0, INT32_MAX);
    case FH_SOCK_HEARTBEAT_IVL:
        return set_number(&to->heartbeat_ivl, value, 0, INT32_MAX);
    case FH_SOCK_HEARTBEAT_TTL:
        return set_number(&to->heartbeat_ttl, value, 0, TTL_MAX_MS);
    case FH_SOCK_HEARTBEAT_TIMEOUT:
        return set_number(&to->heartbeat_timeout, value, -1, INT32_MAX);
    case FH_SOCK_MESSAGE_MAX:
        return set_number(&to->message_max, value, -1, INT64_MAX);
    case FH_SOCK_BACKLOG:
        return set_number(&to->backlog, value, 1, INT32_MAX);
    case FH_SOCK_IPV6:
        return set_flag(&to->ip6, value);
    case FH_SOCK_TYPE:
    case FH_SOCK_EVENTS:
        break;
    }
    return FH_STATUS(FH_UNSUPPORTED);
}

static fh_status get(fh_mut fh_core *k, fh_sock_option option, fh_out int64_t *value) {
    const fh_sock_settings *from = &k->settings;
    switch (option) {
    case FH_SOCK_SEND_MARK:
        *value = from->send_mark;
        return FH_DONE;
    case FH_SOCK_RECEIVE_MARK:
        *value = from->receive_mark;
        return FH_DONE;
    case FH_SOCK_SEND_TIMEOUT:
        *value = from->send_timeout;
        return FH_DONE;
    case FH_SOCK_RECEIVE_TIMEOUT:
        *value = from->receive_timeout;
        return FH_DONE;
    case FH_SOCK_ROUTER_MANDATORY:
        *value = from->mandatory;
        return FH_DONE;
    case FH_SOCK_ROUTER_HANDOVER:
        *value = from->handover;
        return FH_DONE;
    case FH_SOCK_PROBE_ROUTER:
        *value = from->probe;
        return FH_DONE;
    case FH_SOCK_XPUB_VERBOSE:
        *value = from->verbose;
        return FH_DONE;
    case FH_SOCK_LINGER:
        *value = from->linger;
        return FH_DONE;
    case FH_SOCK_IMMEDIATE:
        *value = from->immediate;
        return FH_DONE;
    case FH_SOCK_RECONNECT_IVL:
        *value = from->reconnect_ivl;
        return FH_DONE;
    case FH_SOCK_RECONNECT_IVL_MAX:
        *value = from->reconnect_ivl_max;
        return FH_DONE;
    case FH_SOCK_HANDSHAKE_IVL:
        *value = from->handshake_ivl;
        return FH_DONE;
    case FH_SOCK_HEARTBEAT_IVL:
        *value = from->heartbeat_ivl;
        return FH_DONE;
    case FH_SOCK_HEARTBEAT_TTL:
        *value = from->heartbeat_ttl;
        return FH_DONE;
    case FH_SOCK_HEARTBEAT_TIMEOUT:
        *value = from->heartbeat_timeout;
        return FH_DONE;
    case FH_SOCK_MESSAGE_MAX:
        *value = from->message_max;
        return FH_DONE;
    case FH_SOCK_BACKLOG:
        *value = from->backlog;
        return FH_DONE;
    case FH_SOCK_IPV6:
        *value = from->ip6;
        return FH_DONE;
    case FH_SOCK_TYPE:
        *value = k->type;
        return FH_DONE;
    case FH_SOCK_EVENTS:
        *value = fh_core_events(k);
        return FH_DONE;
    }
    *value = 0;
    return FH_STATUS(FH_UNSUPPORTED);
}

fh_status fh_sock_set(fh_sock_context *c, fh_sock s, fh_sock_option option, int64_t value) {
    fh_core *k;
    FH_TRY(fh_context_enter(c, s, &k));
    fh_status status = set(&k->settings, option, value);
    fh_context_leave(c, s);
    return status;
}

fh_status fh_sock_get(fh_sock_context *c, fh_sock s, fh_sock_option option, int64_t *value) {
    fh_core *k;
    *value = 0;
    FH_TRY(fh_context_enter(c, s, &k));
    fh_status status = option == FH_SOCK_EVENTS ? fh_context_attend(k) : FH_DONE;
    if (!fh_failed(status))
        status = get(k, option, value);
    fh_context_leave(c, s);
    return status;
}

/* --- texts ---------------------------------------------------------------------------------------------------------------- */

fh_status fh_sock_identify(fh_sock_context *c, fh_sock s, fh_span identity) {
    fh_core *k;
    fh_bytes copy;
    if (identity.size == 0 || identity.size > FH_ZMTP_IDENTITY_MAX || fh_span_at(identity, 0) == 0)
        return FH_STATUS(FH_INVALID);
    FH_TRY(fh_bytes_copy(c->allocator, identity, &copy));
    fh_status status = fh_context_enter(c, s, &k);
    if (!fh_failed(status)) {
        fh_bytes_drop(&k->identity);
        k->identity = fh_bytes_share(copy);
        fh_context_leave(c, s);
    }
    fh_bytes_drop(&copy);
    return status;
}

static fh_status subscribe(fh_mut fh_sock_context *c, fh_sock s, fh_span prefix, fh_message_kind kind) {
    fh_core *k;
    FH_TRY(fh_context_enter(c, s, &k));
    fh_status status = k->type == FH_ZMTP_SUB ? fh_context_attend(k) : FH_STATUS(FH_UNSUPPORTED);
    if (!fh_failed(status))
        status = fh_core_subscribe(k, prefix, kind);
    fh_context_leave(c, s);
    return status;
}

fh_status fh_sock_subscribe(fh_sock_context *c, fh_sock s, fh_span prefix) {
    return subscribe(c, s, prefix, FH_MESSAGE_SUBSCRIBE);
}

fh_status fh_sock_unsubscribe(fh_sock_context *c, fh_sock s, fh_span prefix) {
    return subscribe(c, s, prefix, FH_MESSAGE_CANCEL);
}

/* --- security and events -------------------------------------------------------------------------------------------------- */

fh_status fh_sock_secure(fh_sock_context *c, fh_sock s, const fh_sock_security *security) {
    fh_core *k;
    FH_TRY(fh_context_enter(c, s, &k));
    fh_status status = fh_secrets_set(&k->secrets, security);
    fh_context_leave(c, s);
    return status;
}

static fh_owned_or_null fh_monitor *take_monitor(fh_mut fh_core *k) {
    fh_monitor *m = k->monitor;
    k->monitor = NULL;
    return m;
}

static fh_status watch(fh_mut fh_core *k, uint32_t kinds) {
    fh_monitor *monitor;
    if (kinds == 0) {
        fh_monitor_free(take_monitor(k));
        return FH_DONE;
    }
    FH_TRY(fh_monitor_new(k->allocator, kinds, &monitor));
    fh_monitor_free(take_monitor(k));
    k->monitor = monitor;
    return FH_DONE;
}

fh_status fh_sock_monitor(fh_sock_context *c, fh_sock s, uint32_t kinds) {
    fh_core *k;
    FH_TRY(fh_context_enter(c, s, &k));
    fh_status status = watch(k, kinds);
    fh_context_leave(c, s);
    return status;
}

fh_status fh_sock_event_next(fh_sock_context *c, fh_sock s, fh_sock_event *out) {
    fh_core *k;
    *out = (fh_sock_event){.endpoint = nothing};
    FH_TRY(fh_context_enter(c, s, &k));
    fh_status status = FH_STATUS(FH_AGAIN);
    if (k->monitor != NULL)
        status = fh_monitor_take(k->monitor, out);
    fh_context_leave(c, s);
    return status;
}
