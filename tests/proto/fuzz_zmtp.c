/* fuzz_zmtp.c: a hostile peer (SECURITY-MODEL: U-ZMTP): whatever it sends, and however its bytes are cut, ends in events or
 * in one fault, without a read outside, an assertion, or more memory than a constant times what it sent.
 *
 * The first byte says what the session is, the second how the rest is cut; the rest is what the peer sends, from its greeting
 * on. The last three numbers are of CURVE, with known keys and known random bytes: a server, and a server and a client whose
 * peers have the keys. Those shake hands as they ought to, and what is fuzzed lies inside the boxes: properties, then messages,
 * commands, frames outside of any box, and nonces. Properties: the same bytes in one piece say the same and answer the same;
 * what a session with the same options sends is understood by a second one; memory stays below the limits. Seeds: the streams
 * of zmtp_streams.h for each kind of cut, and what peers with keys may say. */
#include <stdlib.h>

#include "zmtp_streams.h"

#include "proto/box.h"
#include "proto/zmtp_curve.h"
#include "proto/zmtp_session.h"
#include "proto/zmtp_wire.h"

enum { OPTIONS = sizeof stream_options / sizeof *stream_options, BUDGET_BYTES = 8 << 20 };
enum { CURVE_BYTES = OPTIONS, CURVE_SERVER, CURVE_CLIENT, KINDS };
enum { COOKIE_SIZE = 96, FIXED_SIZE = 128, TEXT_MAX = 4096, ITEM_HEAD = 3 };

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

/* --- peers with keys ------------------------------------------------------------------------------------------------------ */

/* Carries what one session has to say to another one; `said` gets a copy of it, if it is not NULL. */
static void carry(fh_zmtp *from, fh_zmtp *to, fh_buf *said) {
    fh_zmtp_event e;
    size_t pieces;
    require(!fh_failed(fh_zmtp_out(from, &pieces)));
    for (; pieces > 0; pieces--) {
        fh_bytes piece = fh_zmtp_out_share(from, 0);
        if (said != NULL)
            put(said, piece.span);
        require(!fh_failed(fh_zmtp_sent(from, piece.span.size)) && !fh_failed(fh_zmtp_feed(to, 0, &piece)));
        while (fh_zmtp_next(to, &e, NULL).code == FH_OK)
            fh_zmtp_event_drop(&e);
    }
}

/* Appends a frame whose body is a head, a nonce, and a box of a text of up to TEXT_MAX bytes. */
static void put_box(fh_buf *wire, unsigned flags, fh_span head, fh_span kind, uint64_t nonce, fh_span text,
                    const uint8_t *key) {
    static uint8_t body[256 + TEXT_MAX];
    uint8_t full[FH_BOX_NONCE] = {0};
    size_t at = head.size;
    require(at + 8 + FH_BOX_TAG + text.size <= sizeof body && kind.size == 16);
    memcpy(full, kind.at, 16);
    for (size_t i = 0; i < 8; i++)
        full[16 + i] = (uint8_t)(nonce >> 8 * (7 - i));
    memcpy(body, head.at, at);
    memcpy(&body[at], &full[16], 8);
    if (text.size != 0)
        memcpy(&body[at + 8 + FH_BOX_TAG], text.at, text.size);
    fh_box_seal((fh_mspan){&body[at + 8], FH_BOX_TAG + text.size}, (fh_span){full, sizeof full}, (fh_span){key, 32});
    put_frame(wire, flags, (fh_span){body, at + 8 + FH_BOX_TAG + text.size});
}

/* The last words of a handshake with other properties: what stands before them in the box, and in the frame, stays. */
static void put_last_words(fh_buf *wire, fh_zmtp *peer, bool of_client, fh_span frame, fh_span properties) {
    uint8_t text[FIXED_SIZE + TEXT_MAX] = {0}, nonce[FH_BOX_NONCE] = "CurveZMQINITIATE";
    fh_span name = of_client ? FH_LIT("\10INITIATE") : FH_LIT("\5READY");
    size_t head = name.size + (of_client ? COOKIE_SIZE : 0u), kept = of_client ? FIXED_SIZE : 0;
    size_t at = fh_span_find(frame, name, 0);
    require(at != SIZE_MAX && frame.size >= at + head + 8 + FH_BOX_TAG + kept);
    fh_span body = fh_span_from(frame, at), box = fh_span_from(body, head + 8);
    memcpy(&nonce[16], body.at + head, 8);
    uint8_t opened[FIXED_SIZE + 512];
    require(box.size - FH_BOX_TAG <= sizeof opened);
    if (of_client)
        require(fh_box_open(box, (fh_span){nonce, sizeof nonce}, (fh_span){peer->curve->key, 32},
                            (fh_mspan){opened, box.size - FH_BOX_TAG}));
    memcpy(text, opened, kept);
    memcpy(&text[kept], properties.at, properties.size);
    put_box(wire, 4, fh_span_sub(body, 0, head), of_client ? FH_LIT("CurveZMQINITIATE") : FH_LIT("CurveZMQREADY---"),
            fh_zmtp_number((fh_span){&nonce[16], 8}), (fh_span){text, kept + properties.size}, peer->curve->key);
}

/* What follows the handshake: items of a kind, flags and a size, and so many bytes. */
static void put_items(fh_buf *wire, const fh_zmtp *peer, bool of_client, fh_span items) {
    uint64_t nonce = peer->curve->sent;
    for (size_t at = 0; at + ITEM_HEAD <= items.size;) {
        unsigned kind = fh_span_at(items, at), flags = fh_span_at(items, at + 1);
        size_t left = items.size - at - ITEM_HEAD, size = fh_span_at(items, at + 2);
        size = size < left ? size : left;
        uint8_t text[1 + UINT8_MAX] = {(uint8_t)flags};
        fh_span bytes = fh_span_sub(items, at + ITEM_HEAD, size);
        memcpy(&text[1], bytes.at, size);
        nonce += (kind & 0x70) == 0x70 ? 0 : 1; /* one in eight says a nonce again */
        if ((kind & 3) == 3)
            put_frame(wire, flags & 5, bytes);
        else
            put_box(wire, (kind & 3) == 0 ? 4 : 0, FH_LIT("\7MESSAGE"),
                    of_client ? FH_LIT("CurveZMQMESSAGEC") : FH_LIT("CurveZMQMESSAGES"), nonce,
                    (fh_span){text, (kind & 8) != 0 ? size : size + 1}, peer->curve->key);
        at += ITEM_HEAD + size;
    }
}

/* The bytes of a peer that has the keys: a whole handshake, with these properties unless the first byte is even, and items. */
static void compose(fh_buf *wire, bool to_server, fh_span plan) {
    curve_end c, s;
    fh_page_source *pages;
    fh_zmtp *client, *server;
    fh_buf turn;
    fh_buf_init(&turn, fh_heap(), 0);
    curve_init(&c, false);
    curve_init(&s, true);
    require(!fh_failed(fh_page_source_new(fh_heap(), NULL, &pages)));
    require(!fh_failed(fh_zmtp_new(fh_heap(), pages, &c.options, 0, &client, NULL)));
    require(!fh_failed(fh_zmtp_new(fh_heap(), pages, &s.options, 0, &server, NULL)));
    size_t size = plan.size > 1 ? fh_span_at(plan, 1) : 0, left = plan.size > 2 ? plan.size - 2 : 0;
    fh_span properties = fh_span_sub(plan, plan.size - left, size < left ? size : left);
    bool is_changed = plan.size > 1 && fh_span_at(plan, 0) % 2 != 0;
    fh_zmtp *peer = to_server ? client : server;
    for (int i = 0; i < 4; i++) {
        carry(client, server, to_server ? &turn : NULL);
        carry(server, client, to_server ? NULL : &turn);
        bool last = fh_span_find(fh_buf_view(&turn), to_server ? FH_LIT("\10INITIATE") : FH_LIT("\5READY"), 0) != SIZE_MAX;
        if (is_changed && last)
            put_last_words(wire, peer, to_server, fh_buf_view(&turn), properties);
        else
            put(wire, fh_buf_view(&turn));
        fh_buf_deinit(&turn);
        fh_buf_init(&turn, fh_heap(), 0);
    }
    require(fh_zmtp_fault(server) == FH_ZMTP_FAULT_NONE && fh_zmtp_peer_get(server).socket == FH_ZMTP_PUSH);
    put_items(wire, peer, to_server, fh_span_from(plan, plan.size - left + properties.size));
    fh_zmtp_free(client);
    fh_zmtp_free(server);
    fh_page_source_free(pages);
    fh_buf_deinit(&turn);
}

/* --- runs ----------------------------------------------------------------------------------------------------------------- */

/* One of the sessions, from its beginning. */
static heard run_session(size_t which, unsigned cut, fh_span stream) {
    curve_end subject;
    if (which < OPTIONS)
        return run(stream_options[which], cut, stream);
    curve_init(&subject, which != CURVE_CLIENT);
    return run(subject.options, cut, stream);
}

static void run_both(size_t which, unsigned cut_by, fh_span stream) {
    heard whole = run_session(which, 0, stream);
    if (cut_by == 0 || (stream.size > 20000 && cut_by < 16))
        return;
    heard cut = run_session(which, cut_by, stream);
    require(whole.events == cut.events && whole.out == cut.out && whole.last == cut.last && whole.fault == cut.fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 1 << 20)
        return 0;
    fh_span stream = {data + 2, size - 2};
    size_t which = data[0] % (unsigned)(fh_box_available() ? KINDS : CURVE_BYTES);
    if (which <= CURVE_BYTES) {
        run_both(which, data[1], stream);
        return 0;
    }
    fh_buf wire;
    fh_buf_init(&wire, fh_heap(), 0);
    compose(&wire, which == CURVE_SERVER, stream);
    run_both(which, data[1], fh_buf_view(&wire));
    fh_buf_deinit(&wire);
    return 0;
}

/* Each kind of item, in boxes and outside; of commands PING and SUBSCRIBE. */
static const char items[] = "\0\0\5plain\1\1\4more\1\0\0\0\2\7\4PING\0\0\1\2\14\11SUBSCRIBEA\0\4\1x\10\0\0\3\0\2no\160\0\1x";

static void emit_curve(void (*emit)(void *ctx, fh_span seed), void *ctx, unsigned which, unsigned cut, const char *socket) {
    fh_buf seed, properties;
    fh_buf_init(&seed, fh_heap(), 0);
    fh_buf_init(&properties, fh_heap(), 0);
    put_property(&properties, "Socket-Type", fh_span_of_str(socket));
    put_property(&properties, "X-Any", FH_LIT("value"));
    put_byte(&seed, which);
    put_byte(&seed, cut);
    if (which == CURVE_BYTES) {
        compose(&seed, true, (fh_span){(const uint8_t *)"\0\0\1\1\6in a box", 12});
    } else {
        put_byte(&seed, cut % 2);
        put_byte(&seed, (unsigned)properties.size);
        put(&seed, fh_buf_view(&properties));
        put(&seed, (fh_span){(const uint8_t *)items, sizeof items - 1});
    }
    emit(ctx, fh_buf_view(&seed));
    fh_buf_deinit(&properties);
    fh_buf_deinit(&seed);
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    static const uint8_t cuts[] = {0, 1, 7, 64, 255};
    for (size_t k = 0; fh_box_available() && k < sizeof cuts; k++) {
        emit_curve(emit, ctx, CURVE_BYTES, cuts[k], "PUSH");
        emit_curve(emit, ctx, CURVE_SERVER, cuts[k], "PUSH");
        emit_curve(emit, ctx, CURVE_CLIENT, cuts[k], "PULL");
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
