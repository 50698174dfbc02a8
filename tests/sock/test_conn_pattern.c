/* test_conn_pattern.c: each pattern over inproc, tcp and ipc: a peer is a peer.
 *
 * tidy: exempt mirror: it is of the whole layer */
#include "conn_world.h"

enum { LARGE = 300000 };

static fh_trace *trace; /* of the test that runs */

static void on_each(void **state, void (*body)(world w, transport t)) {
    trace = fh_test_trace(state);
    for (transport t = INPROC; t < TRANSPORTS; t++) {
        world w = world_new(state);
        body(w, t);
        world_stop(w);
    }
}

/* --- PAIR ----------------------------------------------------------------------------------------------------------------- */

static void pair(world w, transport t) {
    fh_sock a = open_patient(w, FH_ZMTP_PAIR);
    fh_sock b = connect_patient(w, FH_ZMTP_PAIR, bind_fresh(w, a, t));
    tell(w, b, "to a|and more||");
    await(w, a, "to a|and more||");
    tell(w, a, "to b");
    await(w, b, "to b");
    uint8_t *bytes = fh_alloc(w.a, 1, LARGE);
    assert_non_null(bytes);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    for (int way = 0; way < 4; way++) {
        fh_message m = {0};
        fh_assert_ok(fh_message_push_copy(&m, w.a, FH_LIT("head")));
        fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){bytes, LARGE}));
        fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){bytes, 3000}));
        fh_assert_ok(fh_message_push_copy(&m, w.a, FH_LIT("tail")));
        fh_assert_ok(fh_sock_send(w.c, way % 2 != 0 ? a : b, &m));
        fh_assert_ok(fh_sock_receive(w.c, way % 2 != 0 ? b : a, &m));
        assert_int_equal(fh_message_count(&m), 4);
        assert_true(fh_span_equal(fh_message_view(&m, 1), (fh_span){bytes, LARGE}));
        assert_true(fh_span_equal(fh_message_view(&m, 2), (fh_span){bytes, 3000}));
        assert_true(fh_span_equal(fh_message_view(&m, 3), FH_LIT("tail")));
        fh_message_drop(&m, w.a);
    }
    fh_free(w.a, bytes);
}
static void test_pair(void **state) {
    on_each(state, pair);
}

/* --- PUSH, PULL ----------------------------------------------------------------------------------------------------------- */

/* One to many: each in its turn, as soon as all are there; many to one: each message once, in the order of its sender. */
static void pipeline(world w, transport t) {
    fh_sock push = open_patient(w, FH_ZMTP_PUSH), pull[3], sink = open_patient(w, FH_ZMTP_PULL), source[3];
    watch_all(w, push);
    wire_name n = bind_fresh(w, push, t), at_sink = bind_fresh(w, sink, t);
    for (int i = 0; i < 3; i++) {
        pull[i] = connect_patient(w, FH_ZMTP_PULL, n);
        if (t != INPROC)
            (void)await_event(w, push, FH_SOCK_IS_HANDSHAKE_SUCCEEDED);
    }
    for (int i = 0; i < 300; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", i);
        tell(w, push, text);
    }
    for (int i = 0; i < 3; i++) {
        int before = -1;
        for (int k = 0; k < 100; k++) {
            fh_message m = {0};
            fh_assert_ok(fh_sock_receive(w.c, pull[i], &m));
            int number = 0;
            fh_span text = fh_message_view(&m, 0);
            for (size_t at = 0; at < text.size; at++)
                number = number * 10 + fh_span_at(text, at) - '0';
            assert_true(number > before);
            before = number;
            fh_message_drop(&m, w.a);
        }
        hear_none(w, pull[i]);
    }
    static const char *const texts[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        source[i] = connect_patient(w, FH_ZMTP_PUSH, at_sink);
        for (int k = 0; k < 100; k++)
            tell(w, source[i], texts[i]);
    }
    int counts[3] = {0};
    for (int k = 0; k < 300; k++) {
        fh_message m = {0};
        fh_assert_ok(fh_sock_receive(w.c, sink, &m));
        counts[fh_span_at(fh_message_view(&m, 0), 0) - 'a']++;
        fh_message_drop(&m, w.a);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(counts[i], 100);
    hear_none(w, sink);
}
static void test_pipeline(void **state) {
    on_each(state, pipeline);
}

/* A reader that does not read holds its writer back, before much waits; nothing is lost, and nothing changes its place. */
static void back_pressure(world w, transport t) {
    static uint8_t body[20000];
    fh_sock pull = open_patient(w, FH_ZMTP_PULL), push = open_patient(w, FH_ZMTP_PUSH);
    set(w, pull, FH_SOCK_RECEIVE_MARK, 3);
    set(w, push, FH_SOCK_SEND_MARK, 3);
    wire_name n = bind_fresh(w, pull, t);
    connect_to(w, push, n.text);
    uint64_t before = fh_trace_stats(trace).live_bytes; /* the tables of the I/O threads */
    uint32_t sent = 0, got = 0;
    for (int full = 0; full < 3;) {
        fh_message m = {0};
        fh_mspan_put_u32((fh_mspan){body, sizeof body}, 0, sent);
        fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){body, sizeof body}));
        fh_status s = fh_sock_try_send(w.c, push, &m);
        fh_message_drop(&m, w.a);
        if (s.code == FH_AGAIN) { /* often enough that it is no chance */
            full++;
            fh_os_nap(20000000);
        } else {
            fh_assert_ok(s);
            full = 0;
            sent++;
        }
        assert_true(sent < 5000); /* what the kernel and the lanes hold is far less than 100 MB */
    }
    assert_true(sent >= 6);
    assert_true(fh_trace_stats(trace).live_bytes < before + (8 << 20)); /* a quarter of a megabyte, and the lanes */
    for (; got < sent; got++) {
        fh_message m = {0};
        fh_assert_ok(fh_sock_receive(w.c, pull, &m));
        assert_int_equal(fh_span_u32(fh_message_view(&m, 0), 0), got);
        fh_message_drop(&m, w.a);
    }
    tell(w, push, "and on");
    await(w, pull, "and on");
}
static void test_back_pressure(void **state) {
    on_each(state, back_pressure);
}

/* Sends until there has been no room for a while; how many. */
static uint32_t send_all_that_fits(world w, fh_sock push, uint32_t patience) {
    static const uint8_t body[4000];
    uint32_t sent = 0;
    for (uint32_t full = 0; full < patience;) {
        fh_message m = {0};
        fh_bytes part = {NULL, {body, sizeof body}};
        fh_assert_ok(fh_message_push(&m, w.a, &part));
        bool taken = fh_sock_try_send(w.c, push, &m).code == FH_OK;
        fh_message_drop(&m, w.a);
        sent += taken;
        full = taken ? 0 : full + 1;
        if (!taken)
            fh_os_nap(20000000);
    }
    return sent;
}

/* What waited for a connection does not all go below at once when that stands: most of it stays in the lane. */
static void test_lot_at_once(void **state) {
    world w = world_new(state);
    fh_message m;
    wire_name n = fresh_name(ABSTRACT);
    fh_sock push = open_patient(w, FH_ZMTP_PUSH), pull = open_patient(w, FH_ZMTP_PULL);
    set(w, pull, FH_SOCK_RECEIVE_MARK, 3);
    connect_to(w, push, n.text);
    assert_int_equal(send_all_that_fits(w, push, 1), 1000);
    assert_int_equal(bind_to(w, pull, n.text), FH_OK);
    fh_assert_ok(fh_sock_receive(w.c, pull, &m));
    fh_message_drop(&m, w.a);
    assert_true(send_all_that_fits(w, push, 5) < 600); /* 256 KiB, and what the kernel holds: one or two hundred */
    world_stop(w);
}

/* --- PUB, SUB, XPUB, XSUB ------------------------------------------------------------------------------------------------- */

static void want(world w, fh_sock s, const char *prefix) {
    fh_assert_ok(fh_sock_subscribe(w.c, s, fh_span_of_str(prefix)));
}

/* Publishes until somebody has heard it: the subscription has arrived. */
static void until_heard(world w, fh_sock pub, fh_sock sub, const char *text) {
    fh_message m = {0};
    uint64_t end = fh_os_clock_ns() + UINT64_C(60000000000);
    for (;;) {
        tell(w, pub, text);
        fh_status s = fh_sock_try_receive(w.c, sub, &m);
        if (s.code == FH_OK)
            break;
        fh_assert_code(s, FH_AGAIN);
        assert_true(fh_os_clock_ns() < end);
        fh_os_nap(1000000);
    }
    do
        fh_message_drop(&m, w.a);
    while (fh_sock_try_receive(w.c, sub, &m).code == FH_OK);
}

/* Filters at the publisher; cancellations too. */
static void publish(world w, transport t) {
    fh_sock pub = open_patient(w, FH_ZMTP_PUB), sub = open_patient(w, FH_ZMTP_SUB);
    wire_name n = bind_fresh(w, pub, t);
    want(w, sub, "a");
    connect_to(w, sub, n.text);
    want(w, sub, "end");
    until_heard(w, pub, sub, "end: are you there?");
    tell(w, pub, "b|not wanted");
    tell(w, pub, "ax|body");
    tell(w, pub, "end 1");
    for (;;) { /* some of the questions may still come */
        fh_message m = {0};
        fh_assert_ok(fh_sock_receive(w.c, sub, &m));
        bool question = fh_span_starts(fh_message_view(&m, 0), FH_LIT("end: "));
        if (!question)
            check_parts(&m, "ax|body", __FILE__, __LINE__);
        fh_message_drop(&m, w.a);
        if (!question)
            break;
    }
    await(w, sub, "end 1");
    fh_assert_ok(fh_sock_unsubscribe(w.c, sub, FH_LIT("a")));
    tell(w, pub, "ay");
    tell(w, pub, "end 2");
    await(w, sub, "end 2");
}
static void test_publish(void **state) {
    on_each(state, publish);
}

/* An XPUB hears of subscriptions, of their end when the subscriber goes, and of what an XSUB says; either side connects. */
static void upstream(world w, transport t) {
    for (int turned = 0; turned < 2; turned++) {
        fh_sock xpub = open_patient(w, FH_ZMTP_XPUB), xsub = open_patient(w, FH_ZMTP_XSUB);
        watch_all(w, xsub);
        wire_name n = bind_fresh(w, turned ? xsub : xpub, t);
        connect_to(w, turned ? xpub : xsub, n.text);
        if (t != INPROC) /* a socket takes its peers in while it is called */
            (void)await_event(w, xsub, FH_SOCK_IS_HANDSHAKE_SUCCEEDED);
        tell(w, xsub, "\1topic");
        await(w, xpub, "\1topic");
        tell(w, xpub, "topic 1|body");
        await(w, xsub, "topic 1|body");
        tell(w, xsub, "hello|up there");
        await(w, xpub, "hello|up there");
        close_sock(w, xsub);
        fh_message m = {0};
        fh_assert_ok(fh_sock_receive(w.c, xpub, &m));
        assert_true(fh_span_equal(fh_message_view(&m, 0), FH_LIT("\0topic")));
        fh_message_drop(&m, w.a);
        close_sock(w, xpub);
    }
}
static void test_upstream(void **state) {
    on_each(state, upstream);
}

/* --- REQ, REP, DEALER, ROUTER --------------------------------------------------------------------------------------------- */

static void questions(world w, transport t) {
    fh_sock rep = open_patient(w, FH_ZMTP_REP), req = open_patient(w, FH_ZMTP_REQ);
    wire_name n = bind_fresh(w, rep, t);
    connect_to(w, req, n.text);
    for (int i = 0; i < 20; i++) {
        tell(w, req, "question|in two");
        hear_none(w, req);
        await(w, rep, "question|in two");
        tell(w, rep, "answer");
        await(w, req, "answer");
    }
    tell(w, req, "last words");
    await(w, rep, "last words");
    close_sock(w, rep);
    fh_message m = {0};
    fh_assert_code(fh_sock_receive(w.c, req, &m), FH_END); /* nobody will answer */
    rep = open_patient(w, FH_ZMTP_REP);
    assert_int_equal(bind_to(w, rep, n.text), FH_OK);
    if (t == INPROC)
        connect_to(w, req, n.text);
    tell(w, req, "again");
    await(w, rep, "again");
    tell(w, rep, "yes");
    await(w, req, "yes");
}
static void test_questions(void **state) {
    on_each(state, questions);
}

/* Identities: given, and made up; a peer that is gone, and one that takes over. */
static void routes(world w, transport t) {
    fh_sock router = open_patient(w, FH_ZMTP_ROUTER), ann = open_patient(w, FH_ZMTP_DEALER);
    set(w, router, FH_SOCK_ROUTER_HANDOVER, 1);
    set(w, router, FH_SOCK_ROUTER_MANDATORY, 1);
    wire_name n = bind_fresh(w, router, t);
    fh_assert_ok(fh_sock_identify(w.c, ann, FH_LIT("ann")));
    set(w, ann, FH_SOCK_RECONNECT_IVL, -1); /* or it takes its name back */
    connect_to(w, ann, n.text);
    fh_sock other = connect_patient(w, FH_ZMTP_DEALER, n);
    tell(w, ann, "hi");
    await(w, router, "ann|hi");
    tell(w, router, "ann|to you|alone");
    await(w, ann, "to you|alone");
    assert_int_equal(say(w, router, "nobody|x"), FH_NOT_FOUND);
    tell(w, other, "1|2|3|4");
    fh_message m = {0};
    fh_assert_ok(fh_sock_receive(w.c, router, &m));
    assert_int_equal(fh_message_count(&m), 5);
    assert_int_equal(fh_message_view(&m, 0).size, 5);
    assert_int_equal(fh_span_at(fh_message_view(&m, 0), 0), 0);
    fh_assert_ok(fh_sock_send(w.c, router, &m));
    await(w, other, "1|2|3|4");
    fh_sock second = open_patient(w, FH_ZMTP_DEALER);
    fh_assert_ok(fh_sock_identify(w.c, second, FH_LIT("ann")));
    set(w, second, FH_SOCK_PROBE_ROUTER, 1);
    set(w, second, FH_SOCK_RECONNECT_IVL, -1);
    connect_to(w, second, n.text);
    await(w, router, "ann|"); /* the probe */
    tell(w, router, "ann|to the second");
    await(w, second, "to the second");
    hear_none(w, ann);
    close_sock(w, second);
    uint64_t end = fh_os_clock_ns() + UINT64_C(60000000000);
    for (fh_code code = FH_OK; code != FH_NOT_FOUND; code = say(w, router, "ann|x")) {
        assert_true(fh_os_clock_ns() < end);
        fh_os_nap(1000000);
        hear_none(w, router);
    }
}
static void test_routes(void **state) {
    on_each(state, routes);
}

/* A DEALER of two ROUTERs, which has bound; answers find their way. */
static void dealer(world w, transport t) {
    fh_sock d = open_patient(w, FH_ZMTP_DEALER), r[2];
    watch_all(w, d);
    wire_name n = bind_fresh(w, d, t);
    fh_assert_ok(fh_sock_identify(w.c, d, FH_LIT("d")));
    for (int i = 0; i < 2; i++) {
        r[i] = connect_patient(w, FH_ZMTP_ROUTER, n);
        if (t != INPROC)
            (void)await_event(w, d, FH_SOCK_IS_HANDSHAKE_SUCCEEDED);
    }
    tell(w, d, "one");
    tell(w, d, "two");
    for (int i = 0; i < 2; i++) {
        fh_message m = {0};
        fh_assert_ok(fh_sock_receive(w.c, r[i], &m));
        assert_int_equal(fh_message_count(&m), 2);
        fh_assert_ok(fh_sock_send(w.c, r[i], &m));
    }
    for (int i = 0; i < 2; i++) {
        fh_message m = {0};
        fh_assert_ok(fh_sock_receive(w.c, d, &m));
        assert_int_equal(fh_message_view(&m, 0).size, 3);
        fh_message_drop(&m, w.a);
    }
}
static void test_dealer(void **state) {
    on_each(state, dealer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_pair),     FH_TEST_ALLOC(test_pipeline),  FH_TEST_ALLOC(test_back_pressure),
        FH_TEST_ALLOC(test_lot_at_once),
        FH_TEST_ALLOC(test_publish),  FH_TEST_ALLOC(test_upstream),  FH_TEST_ALLOC(test_questions),
        FH_TEST_ALLOC(test_routes),   FH_TEST_ALLOC(test_dealer),
    };
    return run_where_possible("test_conn_pattern", tests, sizeof tests / sizeof *tests);
}
