/* lookup.c: names are asked for on a thread of their own (lookup.h). Threading: lookup.h. */
#include "freehold/atomic.h"
#include "sock/io.h"

#define FIRST_LOOK_NS UINT64_C(1000000)
#define LATER_NS UINT64_C(10000000) /* when there is no thread to be had */

/* A name that has addresses of both families gives one of that of the source. */
static void run(fh_mut fh_view(1) void *ctx) {
    fh_lookup *l = ctx;
    const fh_sock_route *route = &l->terms->route;
    bool ip6 = route->from.kind == FH_ADDRESS_NONE ? l->terms->settings.ip6 != 0 : route->from.kind == FH_ADDRESS_IP6;
    fh_status s = fh_address_tcp(fh_span_from(l->terms->endpoint.span, route->host_at), ip6, &l->found, NULL);
    if (fh_failed(s))
        l->found.kind = FH_ADDRESS_NONE;
    fh_store(&l->is_done, 1, FH_RELEASE);
}

static fh_status start(fh_mut fh_lookup *l) {
    fh_os_thread *thread;
    FH_TRY(fh_os_thread_start(run, l, &thread));
    l->thread = thread;
    return FH_DONE;
}

static fh_owned_or_null fh_os_thread *take_thread(fh_mut fh_lookup *l) {
    fh_os_thread *thread = l->thread;
    l->thread = NULL;
    return thread;
}

/* Waits until the system has answered. */
static void lookup_free(fh_move fh_lookup *l) {
    fh_os_thread_join(take_thread(l));
    FH_ASSERT(l->thread == NULL);
    fh_allocator *a = l->allocator;
    fh_terms_free(l->terms);
    fh_free(a, l);
}

static fh_status lookup_new(fh_ref fh_allocator *a, fh_ref fh_terms *terms, uint64_t now_ns,
                            fh_owned fh_view(1) fh_lookup **out) {
    *out = NULL;
    fh_lookup *l = fh_alloc(a, 1, sizeof *l);
    if (l == NULL)
        return FH_STATUS(FH_NOMEM);
    l->allocator = a;
    l->terms = fh_terms_share(terms);
    l->began_ns = now_ns;
    fh_status s = start(l);
    if (fh_failed(s))
        lookup_free(l);
    else
        *out = l;
    return s;
}

static fh_status begin(fh_mut fh_conn *c) {
    fh_lookup *lookup = NULL;
    uint32_t *count = &c->loop->context->lookups;
    FH_ASSERT(c->terms != NULL && c->lookup == NULL);
    fh_status s = FH_STATUS(FH_EXHAUSTED);
    if (fh_fetch_add(count, 1, FH_RELAXED) < FH_LOOKUPS_MAX)
        s = lookup_new(c->loop->allocator, c->terms, fh_net_now_ns(c->loop->net), &lookup);
    if (fh_failed(s))
        (void)fh_fetch_sub(count, 1, FH_RELAXED);
    else
        c->lookup = lookup;
    return s;
}

static fh_status look(fh_ref const fh_lookup *l, uint64_t now_ns, fh_out fh_address *out, fh_out uint64_t *again_ns) {
    *out = (fh_address){.kind = FH_ADDRESS_NONE};
    *again_ns = now_ns + FIRST_LOOK_NS + (now_ns - l->began_ns) / 4;
    if (fh_load(&l->is_done, FH_ACQUIRE) == 0)
        return FH_STATUS(FH_AGAIN);
    *out = l->found;
    return FH_STATUS(out->kind != FH_ADDRESS_NONE ? FH_OK : FH_NOT_FOUND);
}

fh_status fh_lookup_find(fh_conn *c, fh_address *out, uint64_t *again_ns) {
    uint64_t now = fh_net_now_ns(c->loop->net);
    FH_ASSERT(c->terms != NULL);
    *again_ns = now + LATER_NS;
    *out = c->terms->route.to;
    if (out->kind != FH_ADDRESS_NONE)
        return FH_DONE;
    fh_status s = FH_STATUS(FH_AGAIN);
    if (c->lookup != NULL || !fh_failed(begin(c)))
        s = look(c->lookup, now, out, again_ns);
    if (s.code != FH_AGAIN)
        fh_lookup_end(c);
    return s;
}

static fh_owned_or_null fh_lookup *take_lookup(fh_mut fh_conn *c) {
    fh_lookup *lookup = c->lookup;
    c->lookup = NULL;
    return lookup;
}

void fh_lookup_end(fh_conn *c) {
    if (c->lookup == NULL)
        return;
    lookup_free(take_lookup(c));
    (void)fh_fetch_sub(&c->loop->context->lookups, 1, FH_RELAXED);
}
