/* fuzz_zmtp.c: a hostile peer (SECURITY-MODEL: U-ZMTP): whatever it sends, and however its bytes are cut, ends in events or
 * in one fault, without a read outside, an assertion, or more memory than a constant times what it sent.
 *
 * The first byte says what the session is (the last number: a server of CURVE with known keys and known random bytes), the
 * second how the rest is cut; the rest is what the peer sends, from its greeting on. Properties: the same bytes in one piece
 * say the same and answer the same; what a session with the same options sends is understood by a second one; memory stays
 * below the limits. Seeds: the streams of zmtp_streams.h for each kind of cut. */
#include <stdlib.h>

#include "zmtp_streams.h"

#include "proto/box.h"

enum { OPTIONS = sizeof stream_options / sizeof *stream_options, BUDGET_BYTES = 8 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

static const uint8_t server_secret[33] = "a secret that everybody may know";
static const uint8_t client_secret[33] = "and one of the other side, known";

static void require(bool good) {
    if (!good)
        abort();
}

static void draw(void *ctx, fh_mspan out) {
    fh_test_rng *rng = ctx;
    for (size_t i = 0; i < out.size; i++)
        *fh_mspan_at(out, i) = (uint8_t)fh_test_rng_next(rng);
}

/* Either end of CURVE, the same each time. */
typedef struct curve_end {
    uint8_t own[32], server[32];
    fh_test_rng rng;
    fh_zmtp_options options;
} curve_end;

static void curve_init(curve_end *c, bool server) {
    fh_span secret = {server ? server_secret : client_secret, 32};
    fh_box_public(secret, (fh_mspan){c->own, 32});
    fh_box_public((fh_span){server_secret, 32}, (fh_mspan){c->server, 32});
    c->rng = fh_test_rng_new(server);
    c->options = (fh_zmtp_options){.socket = server ? FH_ZMTP_PULL : FH_ZMTP_PUSH, .mechanism = FH_ZMTP_CURVE, .server = server,
                                   .bound = server, .public_key = {c->own, 32}, .secret_key = secret,
                                   .server_key = {c->server, 32}, .random = draw, .random_ctx = &c->rng};
}

typedef struct heard {
    uint64_t events;   /* a hash of all that was said */
    uint64_t out;      /* of all that was to be sent */
    fh_code last;
    fh_zmtp_fault_kind fault;
} heard;

static uint64_t add_bytes(uint64_t hash, fh_span bytes) {
    for (size_t i = 0; i < bytes.size; i++)
        hash = hash * UINT64_C(0x100000001b3) + bytes.at[i] + 1;
    return hash;
}

static void drain(fh_zmtp *z, heard *h) {
    size_t pieces, all = 0;
    require(!fh_failed(fh_zmtp_out(z, &pieces)));
    for (size_t i = 0; i < pieces; i++) {
        h->out = add_bytes(h->out, fh_zmtp_out_view(z, i));
        all += fh_zmtp_out_view(z, i).size;
    }
    require(!fh_failed(fh_zmtp_sent(z, all)));
}

static void listen_on(fh_zmtp *z, heard *h) {
    fh_zmtp_event e;
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    while ((s = fh_zmtp_next(z, &e, &err)).code == FH_OK || s.code == FH_EXHAUSTED) {
        h->events = add_bytes(h->events * 31 + e.kind * 2 + e.more, e.body.span) + e.extra.span.size;
        if (e.kind == FH_ZMTP_AUTH)
            require(!fh_failed(fh_zmtp_accept(z)));
        if (e.kind == FH_ZMTP_CONNECTED) {
            fh_zmtp_peer peer = fh_zmtp_peer_get(z);
            fh_zmtp_property p = {{NULL, 0}, {NULL, 0}};
            size_t at = 0;
            fh_status more = FH_DONE;
            while ((more = fh_zmtp_property_next(peer.metadata, &at, &p)).code == FH_OK)
                h->events = add_bytes(h->events, p.name);
            require(more.code == FH_END && peer.identity.size <= FH_ZMTP_IDENTITY_MAX);
        }
        bool echo = e.kind == FH_ZMTP_PART && !e.more;
        fh_status sent = echo ? fh_zmtp_send(z, &e.body, false) : FH_DONE;
        require(!fh_failed(sent) || sent.code == FH_INVALID || sent.code == FH_LIMIT || sent.code == FH_EXHAUSTED);
        fh_zmtp_event_drop(&e);
        drain(z, h);
    }
    require((s.code == FH_AGAIN) == (fh_zmtp_fault(z) == FH_ZMTP_FAULT_NONE));
    require(s.code == FH_AGAIN || err.code == s.code);
    drain(z, h);
    h->last = s.code;
    h->fault = fh_zmtp_fault(z);
}

static heard run(fh_zmtp_options options, unsigned cut, fh_span stream) {
    fh_trace *trace = fh_trace_new();
    require(trace != NULL);
    fh_allocator *a = fh_trace_allocator(trace);
    fh_page_source *pages;
    fh_zmtp *z;
    heard h = {0};
    require(!fh_failed(fh_page_source_new(a, &(fh_page_options){.pages_max = 64}, &pages)));
    fh_trace_budget(trace, fh_trace_stats(trace).live_bytes + BUDGET_BYTES + 4 * (uint64_t)stream.size);
    require(!fh_failed(fh_zmtp_new(a, pages, &options, 0, &z, NULL)));
    drain(z, &h);
    size_t step = cut == 0 ? SIZE_MAX : cut;
    for (size_t at = 0; at < stream.size && h.fault == FH_ZMTP_FAULT_NONE;) {
        size_t left = stream.size - at, size = left < step ? left : step;
        fh_bytes in;
        require(!fh_failed(fh_page_source_copy(pages, fh_span_sub(stream, at, size), &in)));
        require(!fh_failed(fh_zmtp_feed(z, at, &in)));
        listen_on(z, &h);
        at += size;
    }
    uint64_t next;
    fh_status s = fh_zmtp_tick(z, stream.size + 29999, &next);
    require(s.code == FH_OK || fh_zmtp_fault(z) != FH_ZMTP_FAULT_NONE);
    fh_zmtp_free(z);
    require(!fh_failed(fh_page_source_check(pages, NULL)) && fh_page_source_stats(pages).slabs == 0);
    fh_page_source_free(pages);
    require(fh_trace_free(trace) == 0);
    return h;
}

/* One of the sessions, from its beginning. */
static heard run_session(size_t which, unsigned cut, fh_span stream) {
    curve_end server;
    if (which < OPTIONS)
        return run(stream_options[which], cut, stream);
    curve_init(&server, true);
    return run(server.options, cut, stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 1 << 20)
        return 0;
    fh_span stream = {data + 2, size - 2};
    size_t which = data[0] % (fh_box_available() ? OPTIONS + 1u : OPTIONS);
    heard whole = run_session(which, 0, stream);
    if (data[1] == 0 || (size > 20000 && data[1] < 16))
        return 0;
    heard cut = run_session(which, data[1], stream);
    require(whole.events == cut.events && whole.out == cut.out && whole.last == cut.last && whole.fault == cut.fault);
    return 0;
}

/* Carries what one session has to say to another one, and appends it to `seed`. */
static void carry(fh_zmtp *from, fh_zmtp *to, fh_buf *seed) {
    fh_zmtp_event e;
    size_t pieces;
    require(!fh_failed(fh_zmtp_out(from, &pieces)));
    for (; pieces > 0; pieces--) {
        fh_bytes piece = fh_zmtp_out_share(from, 0);
        if (seed != NULL)
            put(seed, piece.span);
        require(!fh_failed(fh_zmtp_sent(from, piece.span.size)) && !fh_failed(fh_zmtp_feed(to, 0, &piece)));
        while (fh_zmtp_next(to, &e, NULL).code == FH_OK)
            fh_zmtp_event_drop(&e);
    }
}

/* What a client of CURVE says to the server of run_session. */
static void curve_seed(fh_buf *seed) {
    curve_end c, s;
    fh_page_source *pages;
    fh_zmtp *client, *server;
    curve_init(&c, false);
    curve_init(&s, true);
    require(!fh_failed(fh_page_source_new(fh_heap(), NULL, &pages)));
    require(!fh_failed(fh_zmtp_new(fh_heap(), pages, &c.options, 0, &client, NULL)));
    require(!fh_failed(fh_zmtp_new(fh_heap(), pages, &s.options, 0, &server, NULL)));
    for (int turn = 0; turn < 4; turn++) {
        carry(client, server, seed);
        carry(server, client, NULL);
    }
    for (unsigned i = 0; i < 3; i++) {
        fh_bytes body = {NULL, FH_LIT("in a box")};
        require(!fh_failed(fh_zmtp_send(client, &body, i == 0)));
    }
    carry(client, server, seed);
    require(fh_zmtp_fault(server) == FH_ZMTP_FAULT_NONE && fh_zmtp_peer_get(server).socket == FH_ZMTP_PUSH);
    fh_zmtp_free(client);
    fh_zmtp_free(server);
    fh_page_source_free(pages);
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    static const uint8_t cuts[] = {0, 1, 7, 64, 255};
    for (size_t k = 0; fh_box_available() && k < sizeof cuts; k++) {
        fh_buf seed;
        fh_buf_init(&seed, fh_heap(), 0);
        put_byte(&seed, OPTIONS);
        put_byte(&seed, cuts[k]);
        curve_seed(&seed);
        emit(ctx, fh_buf_view(&seed));
        fh_buf_deinit(&seed);
    }
    for (size_t i = 0; i < STREAMS; i++) {
        for (size_t k = 0; k < sizeof cuts; k++) {
            fh_buf seed, stream;
            fh_buf_init(&seed, fh_heap(), 0);
            fh_buf_init(&stream, fh_heap(), 0);
            fh_zmtp_options options = put_stream(&stream, i);
            uint8_t which = 0;
            while (which + 1u < OPTIONS && (stream_options[which].socket != options.socket ||
                                            stream_options[which].mechanism != options.mechanism))
                which++;
            put_byte(&seed, which);
            put_byte(&seed, cuts[k]);
            put(&seed, fh_buf_view(&stream));
            emit(ctx, fh_buf_view(&seed));
            fh_buf_deinit(&seed);
            fh_buf_deinit(&stream);
        }
    }
}
