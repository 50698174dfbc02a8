/* option.c: names and options of a socket (sock.h). Threading: sock.h. */
#include "sock/context.h"

static const fh_bytes nothing = {NULL, {NULL, 0}};

/* --- endpoints ------------------------------------------------------------------------------------------------------------ */

/* A name of this process. */
static fh_status parse(fh_span endpoint, fh_mut fh_err *err) {
    size_t colon = fh_span_find(endpoint, FH_LIT("://"), 0);
    if (endpoint.size > FH_SOCK_ENDPOINT_MAX || colon == SIZE_MAX || colon + 3 == endpoint.size)
        return fh_fail(err, FH_INVALID, 0, "\"%.*s\" is no endpoint such as inproc://name, of up to %d bytes",
                       FH_SPAN_FMT(endpoint), FH_SOCK_ENDPOINT_MAX);
    if (!fh_span_starts(endpoint, FH_LIT("inproc://")))
        return fh_fail(err, FH_UNSUPPORTED, 0, "\"%.*s\" is no transport here; inproc is",
                       FH_SPAN_FMT(fh_span_sub(endpoint, 0, colon)));
    return FH_DONE;
}

static void remember(fh_mut fh_core *k, fh_move fh_bytes endpoint) {
    fh_bytes_drop(&k->last_endpoint);
    k->last_endpoint = endpoint;
}

typedef fh_status attach(fh_mut fh_core *k, fh_span name);

static fh_status attach_to(fh_mut fh_sock_context *c, fh_sock s, fh_span endpoint, attach *how, fh_mut fh_err *err) {
    fh_core *k;
    fh_bytes copy;
    FH_TRY(parse(endpoint, err));
    if (fh_context_stopped(c))
        return FH_STATUS(FH_CANCELED);
    FH_TRY(fh_bytes_copy(c->allocator, endpoint, &copy));
    fh_status status = fh_context_enter(c, s, &k);
    if (fh_failed(status)) {
        fh_bytes_drop(&copy);
        return status;
    }
    status = how(k, copy.span);
    if (!fh_failed(status))
        remember(k, fh_bytes_share(copy));
    fh_context_leave(c, s);
    fh_bytes_drop(&copy);
    if (fh_failed(status))
        return fh_fail(err, status.code, FH_NO_OFFSET, "%.*s: %s", FH_SPAN_FMT(endpoint), fh_code_text(status.code));
    return FH_DONE;
}

fh_status fh_sock_bind(fh_sock_context *c, fh_sock s, fh_span endpoint, fh_err *err) {
    return attach_to(c, s, endpoint, fh_context_bind, err);
}

fh_status fh_sock_connect(fh_sock_context *c, fh_sock s, fh_span endpoint, fh_err *err) {
    return attach_to(c, s, endpoint, fh_context_connect, err);
}

fh_status fh_sock_unbind(fh_sock_context *c, fh_sock s, fh_span endpoint) {
    fh_core *k;
    FH_TRY(fh_context_enter(c, s, &k));
    fh_status status = endpoint.size == 0 ? FH_STATUS(FH_NOT_FOUND) : fh_context_unbind(k, endpoint);
    fh_context_leave(c, s);
    return status;
}

fh_status fh_sock_disconnect(fh_sock_context *c, fh_sock s, fh_span endpoint) {
    fh_core *k;
    FH_TRY(fh_context_enter(c, s, &k));
    fh_status status = FH_STATUS(FH_NOT_FOUND);
    for (uint32_t i = 0; i < k->peers_used && fh_failed(status); i++) {
        if (!fh_core_connected(k, i, endpoint))
            continue;
        fh_core_leave(k, i);
        status = FH_DONE;
    }
    fh_context_leave(c, s);
    return status;
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
