/* test_zmtp_curve.c: CURVE (RFC 25, 26): two sessions with each other, and a man between them. */
#include "zmtp_wire_peer.h"

#include "proto/box.h"
#include "proto/zmtp_curve.h"

typedef struct keys {
    uint8_t server_secret[32], server_public[32], client_secret[32], client_public[32];
} keys;

static void draw(void *ctx, fh_mspan out) {
    fh_test_rng *rng = ctx;
    for (size_t i = 0; i < out.size; i++)
        *fh_mspan_at(out, i) = (uint8_t)fh_test_rng_next(rng);
}

static fh_test_rng rng_of_client, rng_of_server;

static keys some_keys(void) {
    keys k;
    fh_test_rng rng = fh_test_rng_new(77);
    draw(&rng, (fh_mspan){k.server_secret, 32});
    draw(&rng, (fh_mspan){k.client_secret, 32});
    fh_box_public((fh_span){k.server_secret, 32}, (fh_mspan){k.server_public, 32});
    fh_box_public((fh_span){k.client_secret, 32}, (fh_mspan){k.client_public, 32});
    return k;
}

static fh_zmtp_options client_options(const keys *k) {
    rng_of_client = fh_test_rng_new(1);
    return (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .mechanism = FH_ZMTP_CURVE, .identity = FH_LIT("me"),
                             .public_key = {k->client_public, 32}, .secret_key = {k->client_secret, 32},
                             .server_key = {k->server_public, 32}, .random = draw, .random_ctx = &rng_of_client};
}
static fh_zmtp_options server_options(const keys *k, bool authorize) {
    rng_of_server = fh_test_rng_new(2);
    return (fh_zmtp_options){.socket = FH_ZMTP_ROUTER, .mechanism = FH_ZMTP_CURVE, .server = true, .bound = true,
                             .authorize = authorize, .public_key = {k->server_public, 32},
                             .secret_key = {k->server_secret, 32}, .random = draw, .random_ctx = &rng_of_server};
}

/* Both ends, and how many bytes each has been given of what the other wants to send. */
typedef struct pair {
    fh_page_source *pages;
    end client, server;
    size_t to_server, to_client;
} pair;

static pair pair_new(fh_allocator *a, const keys *k, bool authorize) {
    pair p = {NULL, {0}, {0}, 0, 0};
    fh_assert_ok(fh_page_source_new(a, &(fh_page_options){.pages_max = 64}, &p.pages));
    p.client = end_new(a, p.pages, client_options(k));
    p.server = end_new(a, p.pages, server_options(k, authorize));
    return p;
}

/* Carries bytes to and fro until both are silent; the one at `flip` on the way to the server (or the client) is changed. */
static void carry(pair *p, size_t flip, bool of_client) {
    bool more = true;
    while (more) {
        size_t to_server = p->client.out.size - p->to_server, to_client = p->server.out.size - p->to_client;
        if (of_client && flip >= p->to_server && flip < p->to_server + to_server)
            p->client.out.at[flip] ^= 0x10;
        if (!of_client && flip >= p->to_client && flip < p->to_client + to_client)
            p->server.out.at[flip] ^= 0x10;
        hear(&p->server, fh_span_sub(fh_buf_view(&p->client.out), p->to_server, to_server));
        p->to_server += to_server;
        hear(&p->client, fh_span_sub(fh_buf_view(&p->server.out), p->to_client, to_client));
        p->to_client += to_client;
        more = p->client.out.size != p->to_server || p->server.out.size != p->to_client;
    }
}

static void pair_free(pair *p) {
    end_free(&p->client);
    end_free(&p->server);
    assert_int_equal(fh_page_source_stats(p->pages).slabs, 0);
    fh_page_source_free(p->pages);
}

static void give(end *e, const char *text, bool more) {
    fh_bytes body;
    fh_assert_ok(fh_bytes_copy(fh_heap(), fh_span_of_str(text), &body));
    fh_assert_ok(fh_zmtp_send(e->z, &body, more));
    take_out(e);
}

/* The exchange, with the sizes that RFC 26 gives, and traffic both ways. */
static void test_26_handshake_and_traffic(void **state) {
    keys k = some_keys();
    pair p = pair_new(fh_test_allocator(state), &k, true);
    carry(&p, SIZE_MAX, true);
    /* 64 of the greeting; HELLO 200; INITIATE 257 and the properties; WELCOME 168; READY 30 and the properties */
    fh_span c = fh_buf_view(&p.client.out), s = fh_buf_view(&p.server.out);
    size_t dealer = 22 + 13 + 2, router = 22 + 13;
    assert_true(fh_span_equal(fh_span_sub(c, 64, 10), FH_LIT("\4\310\5HELLO\1\0")));
    assert_int_equal(c.size, 64 + 2 + 200 + 9 + 257 + dealer);
    assert_true(fh_span_equal(fh_span_sub(s, 64, 10), FH_LIT("\4\250\7WELCOME")));
    assert_int_equal(s.size, 64 + 2 + 168 + 2 + 30 + router);
    char auth[400] = "auth ";
    fh_buf line;
    fh_buf_init(&line, fh_heap(), 0);
    say_bytes(&line, (fh_span){k.client_public, 32});
    (void)snprintf(auth, sizeof auth, "auth %.*s\nconnected 3.1 DEALER me\n", (int)line.size, (const char *)line.at);
    fh_assert_span(fh_buf_view(&p.server.said), auth);
    fh_assert_span(fh_buf_view(&p.client.said), "connected 3.1 ROUTER \n");
    fh_buf_truncate(&p.server.said, 0);
    fh_buf_truncate(&p.client.said, 0);
    give(&p.client, "hello", true);
    give(&p.client, "", false);
    give(&p.server, "world", false);
    assert_true(fh_span_find(fh_buf_view(&p.client.out), FH_LIT("hello"), 0) == SIZE_MAX);
    carry(&p, SIZE_MAX, true);
    fh_assert_span(fh_buf_view(&p.server.said), "part+ hello\npart \n");
    fh_assert_span(fh_buf_view(&p.client.said), "part world\n");
    /* secrets that have done their work are gone */
    for (size_t i = 0; i < 32; i++) {
        assert_int_equal(fh_span_at(fh_zmtp_text_of(&p.client.z->texts, FH_ZMTP_TEXT_SECRET), i), 0);
        assert_int_equal(fh_span_at(fh_zmtp_text_of(&p.server.z->texts, FH_ZMTP_TEXT_SECRET), i), 0);
        assert_int_equal(p.client.z->curve->secret[i] | p.server.z->curve->secret[i] | p.server.z->curve->cookie[i], 0);
    }
    fh_buf_deinit(&line);
    pair_free(&p);
}

/* What one end was told, again, to a new one like it: cut at one byte, or at each (0). */
static void replay(void **state, const keys *k, bool server, fh_span told, size_t cut, const end *first) {
    fh_allocator *a = fh_test_allocator(state);
    fh_page_source *pages;
    fh_assert_ok(fh_page_source_new(a, &(fh_page_options){.pages_max = 64}, &pages));
    end e = end_new(a, pages, server ? server_options(k, true) : client_options(k));
    for (size_t at = 0, next = 0; at < told.size; at = next) {
        next = cut == 0 ? at + 1 : at < cut ? cut : told.size;
        hear(&e, fh_span_sub(told, at, next - at));
    }
    assert_true(fh_span_equal(fh_buf_view(&e.said), fh_buf_view(&first->said)));
    assert_true(fh_span_starts(fh_buf_view(&first->out), fh_buf_view(&e.out))); /* it sends nothing of its own */
    end_free(&e);
    fh_page_source_free(pages);
}

/* A connection from its greeting to its last message, cut at every byte, ends in the same events and answers, at either end. */
static void test_26_cuts(void **state) {
    keys k = some_keys();
    pair p = pair_new(fh_test_allocator(state), &k, true);
    static char large[3000];
    memset(large, 'x', sizeof large - 1);
    carry(&p, SIZE_MAX, true);
    for (int i = 0; i < 2; i++) {
        give(i == 0 ? &p.client : &p.server, "first", true);
        give(i == 0 ? &p.client : &p.server, "", false);
        give(i == 0 ? &p.client : &p.server, large, false);
    }
    carry(&p, SIZE_MAX, true);
    for (int server = 0; server < 2; server++) {
        const end *whole = server ? &p.server : &p.client;
        fh_span told = fh_buf_view(server ? &p.client.out : &p.server.out);
        assert_true(fh_span_find(fh_buf_view(&whole->said), FH_LIT("part+ first"), 0) != SIZE_MAX);
        for (size_t cut = 0; cut < told.size; cut += CUT_STEP)
            replay(state, &k, server, told, cut, whole);
    }
    pair_free(&p);
}

/* Large parts, subscriptions and heartbeats go in boxes too. */
static void test_26_everything_in_boxes(void **state) {
    keys k = some_keys();
    pair p = pair_new(fh_test_allocator(state), &k, false);
    carry(&p, SIZE_MAX, true);
    static uint8_t large[100000];
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(i / 5);
    fh_bytes body;
    fh_assert_ok(fh_bytes_copy(fh_test_allocator(state), (fh_span){large, sizeof large}, &body));
    fh_buf_truncate(&p.server.said, 0);
    fh_assert_ok(fh_zmtp_send(p.client.z, &body, false));
    take_out(&p.client);
    carry(&p, SIZE_MAX, true);
    fh_buf line;
    fh_buf_init(&line, fh_heap(), 0);
    put_text(&line, "part ");
    say_bytes(&line, (fh_span){large, sizeof large});
    assert_true(fh_span_starts(fh_buf_view(&p.server.said), fh_buf_view(&line)));
    fh_buf_deinit(&line);
    pair_free(&p);
    p = pair_new(fh_test_allocator(state), &k, false);
    end_free(&p.client);
    end_free(&p.server);
    fh_zmtp_options c = client_options(&k), s = server_options(&k, false);
    c.socket = FH_ZMTP_SUB;
    c.heartbeat_ms = 10;
    s.socket = FH_ZMTP_XPUB;
    p.client = end_new(fh_test_allocator(state), p.pages, c);
    p.server = end_new(fh_test_allocator(state), p.pages, s);
    p.to_client = p.to_server = 0;
    carry(&p, SIZE_MAX, true);
    uint64_t next;
    fh_assert_ok(fh_zmtp_subscribe(p.client.z, FH_LIT("topic")));
    fh_assert_ok(fh_zmtp_cancel(p.client.z, FH_LIT("topic")));
    fh_assert_ok(fh_zmtp_tick(p.client.z, 20, &next));
    take_out(&p.client);
    carry(&p, SIZE_MAX, true);
    fh_assert_span(fh_buf_view(&p.server.said), "connected 3.1 SUB \nsubscribe topic\ncancel topic\n");
    fh_assert_span(fh_buf_view(&p.client.said), "connected 3.1 XPUB \npong \n");
    assert_true(fh_span_find(fh_buf_view(&p.client.out), FH_LIT("topic"), 0) == SIZE_MAX);
    pair_free(&p);
}

/* "SHALL validate all fields": whatever byte a man in the middle changes, the one that gets it does not get together with the
 * other, and is told nothing by it. */
static void test_26_each_byte_is_guarded(void **state) {
    keys k = some_keys();
    for (size_t flip = 64; flip < 64 + 202 + 304 + 40; flip++) {
        for (int side = 0; side < 2; side++) {
            pair p = pair_new(fh_test_allocator(state), &k, false);
            carry(&p, flip, side == 0);
            end *changed = side == 0 ? &p.client : &p.server, *other = side == 0 ? &p.server : &p.client;
            bool touched = flip < changed->out.size;
            assert_true(!touched || fh_span_find(fh_buf_view(&other->said), FH_LIT("connected"), 0) == SIZE_MAX);
            fh_bytes body = {NULL, FH_LIT("a size was made larger: what follows is taken for the rest of its command")};
            if (fh_zmtp_send(changed->z, &body, false).code == FH_OK) {
                take_out(changed);
                carry(&p, SIZE_MAX, true);
                assert_true(!touched || fh_span_find(fh_buf_view(&other->said), FH_LIT("part"), 0) == SIZE_MAX);
            }
            pair_free(&p);
        }
    }
}

static fh_zmtp_fault_kind try_message(void **state, size_t changed_at, uint8_t with, bool twice, fh_span raw) {
    keys k = some_keys();
    pair p = pair_new(fh_test_allocator(state), &k, false);
    carry(&p, SIZE_MAX, true);
    size_t from = p.client.out.size;
    give(&p.client, "text", false);
    if (changed_at != SIZE_MAX)
        p.client.out.at[from + changed_at] ^= with;
    fh_span message = raw.size != 0 ? raw : fh_span_from(fh_buf_view(&p.client.out), from);
    hear(&p.server, message);
    if (twice)
        hear(&p.server, message);
    fh_zmtp_fault_kind fault = fh_zmtp_fault(p.server.z);
    bool delivered = fh_span_find(fh_buf_view(&p.server.said), FH_LIT("part text"), 0) != SIZE_MAX;
    assert_int_equal(delivered, changed_at == SIZE_MAX && raw.size == 0);
    pair_free(&p);
    return fault;
}

/* A message that was changed, said again, in clear text, too short, or with a nonce that does not rise. */
static void test_26_messages(void **state) {
    fh_span none = {NULL, 0};
    assert_int_equal(try_message(state, SIZE_MAX, 0, false, none), FH_ZMTP_FAULT_NONE);
    for (size_t at = 10; at < 10 + 8 + 16 + 5; at++)
        assert_int_equal(try_message(state, at, 1, false, none),
                         at == 17 ? FH_ZMTP_FAULT_NONCE : FH_ZMTP_FAULT_CRYPTO); /* 3 becomes 2 */
    assert_int_equal(try_message(state, SIZE_MAX, 0, true, none), FH_ZMTP_FAULT_NONCE);
    assert_int_equal(try_message(state, SIZE_MAX, 0, false, FH_LIT("\0\4text")), FH_ZMTP_FAULT_UNEXPECTED);
    assert_int_equal(try_message(state, SIZE_MAX, 0, false, FH_LIT("\4\7\4PING\0\0")), FH_ZMTP_FAULT_UNEXPECTED);
    assert_int_equal(try_message(state, SIZE_MAX, 0, false, FH_LIT("\1\10\7MESSAGE")), FH_ZMTP_FAULT_UNEXPECTED);
    assert_int_equal(try_message(state, SIZE_MAX, 0, false,
                                 FH_LIT("\0\40\7MESSAGE\0\0\0\0\0\0\0\11" "0123456789abcdef")), FH_ZMTP_FAULT_MESSAGE);
}

/* A client that does not know the server's key, and one that says it is somebody else. */
static void test_26_wrong_keys(void **state) {
    keys k = some_keys(), other = k;
    other.server_public[0] ^= 1;
    pair p = pair_new(fh_test_allocator(state), &k, false);
    end_free(&p.client);
    p.client = end_new(fh_test_allocator(state), p.pages, client_options(&other));
    carry(&p, SIZE_MAX, true);
    assert_int_equal(fh_zmtp_fault(p.server.z), FH_ZMTP_FAULT_CRYPTO);
    pair_free(&p);
    other = k;
    memcpy(other.client_public, k.server_public, 32); /* the vouch is made with another secret */
    p = pair_new(fh_test_allocator(state), &k, false);
    end_free(&p.client);
    p.client = end_new(fh_test_allocator(state), p.pages, client_options(&other));
    carry(&p, SIZE_MAX, true);
    assert_int_equal(fh_zmtp_fault(p.server.z), FH_ZMTP_FAULT_CRYPTO);
    pair_free(&p);
    other = k;
    memset(other.server_public, 0, 32); /* a key that makes no secret */
    p = pair_new(fh_test_allocator(state), &k, false);
    end_free(&p.client);
    p.client = end_new(fh_test_allocator(state), p.pages, client_options(&other));
    carry(&p, SIZE_MAX, true);
    assert_int_equal(fh_zmtp_fault(p.client.z), FH_ZMTP_FAULT_CRYPTO);
    pair_free(&p);
}

/* "A server SHALL indicate an authentication failure by sending an ERROR command"; and sockets that do not match. */
static void test_26_refused(void **state) {
    keys k = some_keys();
    pair p = pair_new(fh_test_allocator(state), &k, true);
    p.server.refuse = true;
    carry(&p, SIZE_MAX, true);
    fh_assert_span(fh_buf_view(&p.client.said), "refused 400\nfault REFUSED at 246\n");
    pair_free(&p);
    p = pair_new(fh_test_allocator(state), &k, false);
    end_free(&p.server);
    fh_zmtp_options pull = server_options(&k, false);
    pull.socket = FH_ZMTP_PULL;
    p.server = end_new(fh_test_allocator(state), p.pages, pull);
    carry(&p, SIZE_MAX, true);
    fh_assert_span(fh_buf_view(&p.client.said), "refused Invalid\\20socket\\20type\nfault REFUSED at 262\n");
    assert_int_equal(fh_zmtp_fault(p.server.z), FH_ZMTP_FAULT_SOCKET);
    pair_free(&p);
}

/* Commands of wrong sizes; CVE-2019-13132 was an INITIATE whose properties were longer than a place on the stack. */
static void test_26_sizes(void **state) {
    keys k = some_keys();
    static uint8_t long_one[20000];
    static const struct {
        const char *name;
        size_t size;
        fh_zmtp_fault_kind fault;
    } cases[] = {{"HELLO", 0, FH_ZMTP_FAULT_HELLO},       {"HELLO", 193, FH_ZMTP_FAULT_HELLO},
                 {"HELLO", 194, FH_ZMTP_FAULT_HELLO},     {"HELLO", 195, FH_ZMTP_FAULT_HELLO},
                 {"INITIATE", 500, FH_ZMTP_FAULT_UNEXPECTED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene s = scene_new(state, server_options(&k, false));
        put_greeting(&s.wire, 3, 1, "CURVE", false);
        put_command(&s.wire, cases[i].name, (fh_span){long_one, cases[i].size});
        scene_play(&s);
        assert_int_equal(fh_zmtp_fault(s.e.z), cases[i].fault);
        scene_free(&s);
    }
    static const size_t initiates[] = {0, 247, 248, 2000, 17000};
    for (size_t i = 0; i < sizeof initiates / sizeof *initiates; i++) {
        pair p = pair_new(fh_test_allocator(state), &k, false);
        hear(&p.server, fh_span_sub(fh_buf_view(&p.client.out), 0, 64));
        hear(&p.client, fh_span_sub(fh_buf_view(&p.server.out), 0, 64));
        hear(&p.server, fh_span_from(fh_buf_view(&p.client.out), 64)); /* HELLO */
        fh_buf command;
        fh_buf_init(&command, fh_heap(), 0);
        put_byte(&command, 6);
        put_number(&command, 9 + initiates[i], 8);
        put(&command, FH_LIT("\10INITIATE"));
        long_one[96 + 7] = 9; /* a nonce that rises */
        put(&command, (fh_span){long_one, initiates[i]});
        hear(&p.server, fh_buf_view(&command));
        assert_int_equal(fh_zmtp_fault(p.server.z), i == 4   ? FH_ZMTP_FAULT_HANDSHAKE_LIMIT
                                                    : i < 2  ? FH_ZMTP_FAULT_INITIATE
                                                             : FH_ZMTP_FAULT_CRYPTO);
        fh_buf_deinit(&command);
        pair_free(&p);
    }
    fh_zmtp *z;
    fh_page_source *pages;
    fh_assert_ok(fh_page_source_new(fh_test_allocator(state), NULL, &pages));
    for (int i = 0; i < 4; i++) {
        fh_zmtp_options o = client_options(&k);
        o.public_key.size -= i == 0;
        o.secret_key.size -= i == 1;
        o.server_key.size -= i == 2;
        o.random = i == 3 ? NULL : o.random;
        fh_assert_code(fh_zmtp_new(fh_test_allocator(state), pages, &o, 0, &z, NULL), FH_INVALID);
    }
    fh_page_source_free(pages);
}

/* A body for FH_FAIL_EACH_ALLOC: a connection and a message, whatever fails is a failure of the whole. */
static fh_status whole_life(fh_allocator *a, void *arg) {
    const keys *k = arg;
    fh_page_source *pages = NULL;
    fh_zmtp *z[2] = {NULL, NULL};
    fh_zmtp_options c = client_options(k), s = server_options(k, false);
    fh_status st = fh_page_source_new(a, &(fh_page_options){.pages_max = 16}, &pages);
    st = fh_failed(st) ? st : fh_zmtp_new(a, pages, &c, 0, &z[0], NULL);
    st = fh_failed(st) ? st : fh_zmtp_new(a, pages, &s, 0, &z[1], NULL);
    for (int turn = 0; turn < 16 && !fh_failed(st); turn++) {
        size_t pieces = 0;
        fh_zmtp *from = z[turn % 2], *to = z[1 - turn % 2];
        fh_zmtp_event e;
        st = fh_zmtp_out(from, &pieces);
        while (!fh_failed(st) && pieces != 0) {
            fh_bytes in = fh_zmtp_out_share(from, 0);
            st = fh_zmtp_sent(from, in.span.size);
            st = fh_failed(st) ? st : fh_zmtp_feed(to, 0, &in);
            while (!fh_failed(st) && (st = fh_zmtp_next(to, &e, NULL)).code == FH_OK) {
                fh_bytes body = {NULL, FH_LIT("a message")};
                if (e.kind == FH_ZMTP_CONNECTED && turn % 2 == 1)
                    st = fh_zmtp_send(to, &body, false);
                fh_zmtp_event_drop(&e);
            }
            fh_bytes_drop(&in);
            st = st.code == FH_AGAIN ? fh_zmtp_out(from, &pieces) : st;
        }
    }
    fh_zmtp_free(z[0]);
    fh_zmtp_free(z[1]);
    fh_page_source_free(pages);
    return st;
}

static void test_each_allocation_fails(void **state) {
    keys k = some_keys();
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), whole_life, &k) > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_26_handshake_and_traffic), FH_TEST_ALLOC(test_26_cuts), FH_TEST_ALLOC(test_26_everything_in_boxes),
        FH_TEST_ALLOC(test_26_each_byte_is_guarded),  FH_TEST_ALLOC(test_26_messages),
        FH_TEST_ALLOC(test_26_wrong_keys),            FH_TEST_ALLOC(test_26_refused),
        FH_TEST_ALLOC(test_26_sizes),                 FH_TEST_ALLOC(test_each_allocation_fails),
    };
    if (!fh_box_available()) {
        printf("skipped: this build has no libsodium\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
