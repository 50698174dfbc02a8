/* endpoint.c: endpoints as texts, and the way to who serves them: names.c, or the I/O thread (endpoint.h).
 * Threading: endpoint.h. */
#include "sock/endpoint.h"

#include "sock/io.h"

static const fh_bytes nothing = {NULL, {NULL, 0}};

static bool is_local(fh_span endpoint) {
    return fh_span_starts(endpoint, FH_LIT("inproc://"));
}

fh_status fh_endpoint_check(fh_span endpoint, fh_err *err) {
    size_t colon = fh_span_find(endpoint, FH_LIT("://"), 0);
    if (endpoint.size > FH_SOCK_ENDPOINT_MAX || colon == SIZE_MAX || colon + 3 == endpoint.size)
        return fh_fail(err, FH_INVALID, 0, "\"%.*s\" is no endpoint such as inproc://name, of up to %d bytes",
                       FH_SPAN_FMT(endpoint), FH_SOCK_ENDPOINT_MAX);
    if (!is_local(endpoint) && !fh_span_starts(endpoint, FH_LIT("tcp://")) && !fh_span_starts(endpoint, FH_LIT("ipc://")))
        return fh_fail(err, FH_UNSUPPORTED, 0, "\"%.*s\" is no transport here; inproc, tcp and ipc are",
                       FH_SPAN_FMT(fh_span_sub(endpoint, 0, colon)));
    return FH_DONE;
}

/* Behind "tcp://" or "ipc://". */
enum { HOST_AT = 6 };

/* "host:port", or "source:port;host:port", to connect to. A name has its address when it is connected to. */
static fh_status read_target(fh_span endpoint, bool ip6, fh_out fh_sock_route *out, fh_mut fh_err *err) {
    size_t semicolon = fh_span_find(endpoint, FH_LIT(";"), HOST_AT);
    *out = (fh_sock_route){.host_at = semicolon == SIZE_MAX ? HOST_AT : (uint32_t)semicolon + 1};
    if (semicolon != SIZE_MAX)
        FH_TRY(fh_address_local(fh_span_sub(endpoint, HOST_AT, semicolon - HOST_AT), ip6, &out->from, err));
    fh_status s = fh_address_number(fh_span_from(endpoint, out->host_at), ip6, &out->to, err);
    if (s.code != FH_NOT_FOUND)
        FH_TRY(s);
    if (out->to.port == 0)
        return fh_fail(err, FH_INVALID, out->host_at, "\"%.*s\" has no port to connect to", FH_SPAN_FMT(endpoint));
    if (semicolon != SIZE_MAX && !fh_failed(s) && out->from.kind != out->to.kind)
        return fh_fail(err, FH_INVALID, HOST_AT, "\"%.*s\": one address is of IPv4, the other of IPv6", FH_SPAN_FMT(endpoint));
    return FH_DONE;
}

static fh_status read_route(fh_ref const fh_core *k, fh_span endpoint, bool bind, fh_out fh_sock_route *out,
                            fh_mut fh_err *err) {
    fh_span rest = fh_span_from(endpoint, HOST_AT);
    bool ip6 = k->settings.ip6 != 0;
    *out = (fh_sock_route){.host_at = HOST_AT};
    if (fh_span_starts(endpoint, FH_LIT("ipc://"))) {
        if (fh_span_is(rest, "*"))
            return fh_fail(err, FH_UNSUPPORTED, HOST_AT, "a local endpoint needs a path, or \"@\" and a name");
        return fh_address_unix(rest, &out->to, err);
    }
    if (bind && fh_span_find(rest, FH_LIT(";"), 0) != SIZE_MAX)
        return fh_fail(err, FH_INVALID, HOST_AT, "\"%.*s\": only who connects has a source address", FH_SPAN_FMT(endpoint));
    if (bind)
        return fh_address_local(rest, ip6, &out->to, err);
    FH_TRY(read_target(endpoint, ip6, out, err));
    if (out->to.kind == FH_ADDRESS_NONE && k->context->is_simulated)
        return fh_fail(err, FH_UNSUPPORTED, HOST_AT, "a simulated network has no names, such as \"%.*s\"", FH_SPAN_FMT(rest));
    return FH_DONE;
}

/* The endpoint of an address that was bound. */
static fh_status print(fh_ref fh_allocator *a, fh_ref const fh_address *address, fh_owned fh_bytes *out) {
    uint8_t text[6 + FH_ADDRESS_TEXT_BYTES] = {0};
    fh_mspan all = {text, sizeof text}, rest;
    *out = nothing;
    fh_span_copy(all, address->kind == FH_ADDRESS_UNIX ? FH_LIT("ipc://") : FH_LIT("tcp://"));
    if (!fh_mspan_slice(all, 6, FH_ADDRESS_TEXT_BYTES, &rest))
        return FH_STATUS(FH_LIMIT);
    size_t size = fh_address_print(address, rest);
    return fh_bytes_copy(a, fh_span_sub(fh_span_of_mut(all), 0, 6 + size), out);
}

static fh_status bound_name(fh_ref const fh_core *k, fh_ref const fh_address *address, fh_span endpoint, bool bind,
                            fh_owned fh_bytes *out) {
    if (bind)
        return print(k->allocator, address, out);
    return fh_bytes_copy(k->allocator, endpoint, out);
}

static fh_status attach_remote(fh_mut fh_core *k, fh_span endpoint, bool bind, fh_owned fh_bytes *name, fh_mut fh_err *err) {
    fh_sock_route route;
    fh_terms *terms;
    int error = 0;
    *name = nothing;
    FH_TRY(read_route(k, endpoint, bind, &route, err));
    if (fh_io_among(k->context, k->settings.affinity) == 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%.*s: AFFINITY names none of the %zu I/O threads", FH_SPAN_FMT(endpoint),
                       k->context->ios.count);
    FH_TRY(fh_io_make(k->context, err));
    FH_TRY(fh_terms_new(k, endpoint, &route, bind, &terms));
    fh_status s = fh_io_attach(k, terms, &route.to, &error);
    if (s.code == FH_IO || error != 0)
        return fh_fail(err, s.code, FH_NO_OFFSET, "%.*s: the system refuses (errno %d)", FH_SPAN_FMT(endpoint), error);
    FH_TRY(s);
    s = bound_name(k, &route.to, endpoint, bind, name);
    if (fh_failed(s))
        (void)!fh_failed(fh_io_detach(k, endpoint, bind, 0));
    else
        (void)!fh_failed(fh_context_attend(k)); /* a link may be there, to speak first; else it comes again */
    return s;
}

fh_status fh_endpoint_attach(fh_core *k, fh_span endpoint, bool bind, fh_bytes *name, fh_err *err) {
    fh_bytes copy;
    *name = nothing;
    if (k->type == FH_ZMTP_STREAM && !fh_span_starts(endpoint, FH_LIT("tcp://")))
        return fh_fail(err, FH_UNSUPPORTED, 0, "a STREAM speaks tcp, not \"%.*s\"", FH_SPAN_FMT(endpoint));
    if (!is_local(endpoint))
        return attach_remote(k, endpoint, bind, name, err);
    FH_TRY(fh_bytes_copy(k->allocator, endpoint, &copy));
    fh_status s = bind ? fh_context_bind(k, copy.span) : fh_context_connect(k, copy.span);
    if (fh_failed(s)) {
        fh_bytes_drop(&copy);
        return s;
    }
    *name = copy;
    return FH_DONE;
}

static fh_status disconnect(fh_mut fh_core *k, fh_span endpoint) {
    for (uint32_t i = 0; i < k->peers_used; i++) {
        if (!fh_core_connected(k, i, endpoint))
            continue;
        fh_core_leave(k, i);
        return FH_DONE;
    }
    return FH_STATUS(FH_NOT_FOUND);
}

fh_status fh_endpoint_detach(fh_core *k, fh_span endpoint, bool bound) {
    if (endpoint.size == 0 || endpoint.size > FH_SOCK_ENDPOINT_MAX)
        return FH_STATUS(FH_NOT_FOUND);
    if (is_local(endpoint))
        return bound ? fh_context_unbind(k, endpoint) : disconnect(k, endpoint);
    return fh_io_detach(k, endpoint, bound, k->settings.linger);
}

void fh_endpoint_detach_all(fh_core *k) {
    fh_io_detach_all(k, k->settings.linger);
}
