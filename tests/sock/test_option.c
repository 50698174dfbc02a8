/* test_option.c: options that change what a pattern does (sock.h, pattern.c, peers.c). */
#include <string.h>

#include "conn_world.h"

#define NAME "inproc://x"

static void want(world w, fh_sock s, const char *prefix) {
    fh_assert_ok(fh_sock_subscribe(w.c, s, fh_span_of_str(prefix)));
}
static void want_no_more(world w, fh_sock s, const char *prefix) {
    fh_assert_ok(fh_sock_unsubscribe(w.c, s, fh_span_of_str(prefix)));
}
/* What an XPUB receives: 1 or 0 and a prefix. */
static void hear_wish(world w, fh_sock s, uint8_t first, const char *prefix) {
    fh_message m = {0};
    fh_assert_ok(fh_sock_receive(w.c, s, &m));
    assert_int_equal(fh_message_count(&m), 1);
    assert_int_equal(fh_span_at(fh_message_view(&m, 0), 0), first);
    fh_test_span(fh_span_from(fh_message_view(&m, 0), 1), prefix, __FILE__, __LINE__);
    fh_message_drop(&m, w.a);
}

/* --- values --------------------------------------------------------------------------------------------------------------- */

static void test_values(void **state) {
    world w = world_new(state);
    fh_sock s = open_sock(w, FH_ZMTP_PAIR);
    static const struct {
        fh_sock_option option;
        int64_t first, least, most;
    } rows[] = {
#define ROW(name, field, number, value, low, high) {FH_SOCK_##name, (value), (low), (high)},
        FH_SOCK_OPTIONS(ROW)
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(get(w, s, rows[i].option) == rows[i].first);
        set(w, s, rows[i].option, rows[i].least);
        assert_true(get(w, s, rows[i].option) == rows[i].least);
        fh_assert_code(fh_sock_set(w.c, s, rows[i].option, rows[i].least - 1), FH_INVALID);
        if (rows[i].most != INT64_MAX)
            fh_assert_code(fh_sock_set(w.c, s, rows[i].option, rows[i].most + 1), FH_INVALID);
        assert_true(get(w, s, rows[i].option) == rows[i].least); /* a refused value changes nothing */
    }
    fh_assert_code(fh_sock_set(w.c, s, FH_SOCK_TYPE, 1), FH_UNSUPPORTED);
    fh_assert_code(fh_sock_set(w.c, s, (fh_sock_option)1, 1), FH_UNSUPPORTED);
    int64_t value = 7;
    fh_assert_code(fh_sock_get(w.c, s, (fh_sock_option)1, &value), FH_UNSUPPORTED);
    assert_int_equal(value, 0);
    fh_assert_code(fh_sock_welcome(w.c, s, FH_LIT("x")), FH_UNSUPPORTED);
    fh_assert_code(fh_sock_name_next(w.c, s, FH_LIT("x")), FH_UNSUPPORTED);
    fh_assert_code(fh_sock_name_next(w.c, s, FH_LIT("")), FH_INVALID);
    world_free(w);
}

/* --- CONFLATE ------------------------------------------------------------------------------------------------------------- */

/* Whole messages; the newest one stays, however many were sent, and each is received once. */
static void test_conflate(void **state) {
    world w = world_new(state);
    for (int who = 0; who < 2; who++) { /* either side may ask for it */
        fh_sock pull = open_sock(w, FH_ZMTP_PULL), push = open_sock(w, FH_ZMTP_PUSH);
        set(w, who == 0 ? push : pull, FH_SOCK_CONFLATE, 1);
        fh_assert_ok(fh_sock_bind(w.c, pull, FH_LIT(NAME), NULL));
        connect_to(w, push, NAME);
        for (int i = 0; i < 3000; i++)
            say_ok(w, push, "a|b|c|d|old");
        say_ok(w, push, "a|b|c|d|new");
        hear(w, pull, "a|b|c|d|new");
        hear_none(w, pull);
        say_ok(w, push, "1");
        assert_int_equal(get(w, pull, FH_SOCK_EVENTS) & FH_SOCK_READABLE, FH_SOCK_READABLE);
        say_ok(w, push, "2"); /* newer than what was looked at */
        hear(w, pull, "2");
        say_ok(w, push, "left behind");
        close_sock(w, push);
        hear(w, pull, "left behind");
        close_sock(w, pull);
    }
    world_free(w);
}

/* A subscriber of the newest keeps all its subscriptions, near and far. */
static void test_conflate_subscriptions(void **state) {
    world w = world_new(state);
    fh_sock pub = open_patient(w, FH_ZMTP_XPUB), sub = open_patient(w, FH_ZMTP_SUB);
    set(w, sub, FH_SOCK_CONFLATE, 1);
    wire_name n = bind_fresh(w, pub, TCP);
    want(w, sub, "a");
    want(w, sub, "b");
    want(w, sub, "c");
    connect_to(w, sub, n.text);
    hear_wish(w, pub, 1, "a");
    hear_wish(w, pub, 1, "b");
    hear_wish(w, pub, 1, "c");
    tell(w, pub, "a first");
    tell(w, pub, "d unwanted");
    tell(w, pub, "b last");
    char last[16] = {0};
    while (strcmp(last, "b last") != 0) { /* how many come between depends on who is quicker */
        fh_message m = {0};
        fh_assert_ok(fh_sock_receive(w.c, sub, &m));
        fh_span text = fh_message_view(&m, 0);
        fh_span_copy((fh_mspan){(uint8_t *)last, sizeof last - 1}, text);
        last[text.size] = '\0';
        fh_message_drop(&m, w.a);
    }
    hear_none(w, sub);
    world_stop(w);
}

/* --- XPUB ----------------------------------------------------------------------------------------------------------------- */

static void test_verboser(void **state) {
    world w = world_new(state);
    fh_sock pub = bound(w, FH_ZMTP_XPUB, NAME), a = connected(w, FH_ZMTP_SUB, NAME), b = connected(w, FH_ZMTP_SUB, NAME);
    set(w, pub, FH_SOCK_XPUB_VERBOSER, 1);
    want(w, a, "t");
    want(w, b, "t");
    hear_wish(w, pub, 1, "t");
    fh_assert_code(fh_sock_subscribe(w.c, pub, FH_LIT("x")), FH_INVALID); /* it is not for us to subscribe */
    hear_wish(w, pub, 1, "t");
    want_no_more(w, a, "t");
    hear_wish(w, pub, 0, "t"); /* b has it still */
    want(w, a, "u");
    hear_wish(w, pub, 1, "u");
    close_sock(w, b);
    hear_wish(w, pub, 0, "t");
    close_sock(w, a);
    hear_wish(w, pub, 0, "u");
    hear_none(w, pub);
    world_free(w);
}

/* The application decides what a subscription means; when the peer goes it hears of what that had asked for. */
static void test_manual(void **state) {
    world w = world_new(state);
    fh_sock pub = open_sock(w, FH_ZMTP_XPUB);
    fh_assert_code(fh_sock_subscribe(w.c, pub, FH_LIT("x")), FH_INVALID);
    set(w, pub, FH_SOCK_XPUB_MANUAL, 1);
    fh_assert_code(fh_sock_subscribe(w.c, pub, FH_LIT("x")), FH_INVALID); /* nobody was heard */
    fh_assert_ok(fh_sock_bind(w.c, pub, FH_LIT(NAME), NULL));
    fh_sock a = connected(w, FH_ZMTP_XSUB, NAME), b = connected(w, FH_ZMTP_XSUB, NAME);
    say_ok(w, a, "\1A");
    say_ok(w, b, "\1A");
    hear_wish(w, pub, 1, "A");
    want(w, pub, "XA");
    hear_wish(w, pub, 1, "A"); /* the second of its kind is heard of too */
    want(w, pub, "XB");
    say_ok(w, pub, "A");
    say_ok(w, pub, "XA1");
    say_ok(w, pub, "XB1");
    hear(w, a, "XA1");
    hear_none(w, a);
    hear(w, b, "XB1");
    hear_none(w, b);
    close_sock(w, b);
    (void)get(w, pub, FH_SOCK_EVENTS);
    hear_none(w, pub); /* a wants it still */
    close_sock(w, a);
    hear_wish(w, pub, 0, "A");
    fh_assert_code(fh_sock_unsubscribe(w.c, pub, FH_LIT("XA")), FH_INVALID); /* its peer is gone */
    fh_sock c = connected(w, FH_ZMTP_XSUB, NAME);
    (void)get(w, pub, FH_SOCK_EVENTS);
    fh_assert_code(fh_sock_subscribe(w.c, pub, FH_LIT("XA")), FH_INVALID); /* another one is in its place */
    say_ok(w, c, "\1C");
    hear_wish(w, pub, 1, "C");
    want(w, pub, "XC");
    say_ok(w, pub, "XC");
    world_free(w);
}

/* An XSUB's word of a subscription that ends. */
static void take_back(world w, fh_sock s, fh_span text) {
    fh_message m = {0};
    fh_assert_ok(fh_message_push_copy(&m, w.a, text));
    fh_assert_ok(fh_sock_try_send(w.c, s, &m));
    fh_message_drop(&m, w.a);
}

/* What is sent after a subscription was received goes to that peer only, once. */
static void test_last_value(void **state) {
    world w = world_new(state);
    fh_sock pub = open_sock(w, FH_ZMTP_XPUB);
    set(w, pub, FH_SOCK_XPUB_MANUAL_LAST_VALUE, 1);
    set(w, pub, FH_SOCK_XPUB_NODROP, 1);
    set(w, pub, FH_SOCK_SEND_MARK, 1);
    fh_assert_ok(fh_sock_bind(w.c, pub, FH_LIT(NAME), NULL));
    fh_sock a = open_sock(w, FH_ZMTP_XSUB), b = open_sock(w, FH_ZMTP_XSUB);
    set(w, a, FH_SOCK_RECEIVE_MARK, 1);
    set(w, b, FH_SOCK_RECEIVE_MARK, 1);
    connect_to(w, a, NAME);
    connect_to(w, b, NAME);
    say_ok(w, a, "\1A");
    hear_wish(w, pub, 1, "A");
    want(w, pub, "A");
    want(w, pub, "A"); /* no second one of a peer */
    say_ok(w, pub, "B0"); /* what it does not want neither; but that was the one */
    say_ok(w, b, "\1A");
    hear_wish(w, pub, 1, "A");
    want(w, pub, "A");
    say_ok(w, pub, "A1");
    fh_assert_code(fh_sock_subscribe(w.c, pub, FH_LIT("A")), FH_INVALID); /* that one is done with */
    hear(w, b, "A1");
    hear_none(w, a);
    say_ok(w, pub, "A2");
    say_ok(w, pub, "A3");
    assert_int_equal(say(w, pub, "A4"), FH_AGAIN); /* both are full */
    say_ok(w, b, "\1B");
    hear_wish(w, pub, 1, "B");
    assert_int_equal(say(w, pub, "A5"), FH_AGAIN); /* refused, so the next one is still for b alone */
    hear(w, b, "A2");
    hear(w, b, "A3");
    say_ok(w, pub, "A6");
    hear(w, b, "A6");
    hear(w, a, "A2");
    hear(w, a, "A3");
    hear_none(w, a);
    take_back(w, a, FH_LIT("\0A"));
    hear_wish(w, pub, 0, "A");
    want_no_more(w, pub, "A");
    say_ok(w, pub, "A7");
    say_ok(w, pub, "A8");
    hear_none(w, a);
    hear(w, b, "A8");
    world_free(w);
}

/* To the application subscriptions count; publishers are told each of them, and the end of the last. Said again by one peer
 * it is the same one. */
static void test_said_again(void **state) {
    world w = world_new(state);
    fh_sock pub = open_sock(w, FH_ZMTP_XPUB);
    set(w, pub, FH_SOCK_XPUB_VERBOSER, 1);
    fh_assert_ok(fh_sock_bind(w.c, pub, FH_LIT(NAME), NULL));
    fh_sock sub = connected(w, FH_ZMTP_SUB, NAME), raw = connected(w, FH_ZMTP_XSUB, NAME);
    want(w, sub, "t");
    want(w, sub, "t");
    hear_wish(w, pub, 1, "t");
    hear_wish(w, pub, 1, "t");
    want_no_more(w, sub, "t");
    hear_none(w, pub);
    say_ok(w, pub, "t1");
    hear(w, sub, "t1");
    want_no_more(w, sub, "t");
    hear_wish(w, pub, 0, "t");
    say_ok(w, raw, "\1u");
    say_ok(w, raw, "\1u");
    hear_wish(w, pub, 1, "u");
    hear_wish(w, pub, 1, "u");
    take_back(w, raw, FH_LIT("\0u"));
    hear_none(w, pub);
    take_back(w, raw, FH_LIT("\0u"));
    hear_wish(w, pub, 0, "u");
    say_ok(w, pub, "u1");
    hear_none(w, raw);
    fh_sock late = open_sock(w, FH_ZMTP_SUB);
    want(w, late, "v");
    want(w, late, "v");
    connect_to(w, late, NAME);
    hear_wish(w, pub, 1, "v");
    hear_none(w, pub);
    world_free(w);
}

static void test_nodrop(void **state) {
    world w = world_new(state);
    fh_sock pub = open_sock(w, FH_ZMTP_XPUB), a = open_sock(w, FH_ZMTP_SUB), b = open_sock(w, FH_ZMTP_SUB);
    set(w, pub, FH_SOCK_SEND_MARK, 1);
    set(w, a, FH_SOCK_RECEIVE_MARK, 1);
    set(w, b, FH_SOCK_RECEIVE_MARK, 1);
    set(w, pub, FH_SOCK_XPUB_NODROP, 1);
    fh_assert_ok(fh_sock_bind(w.c, pub, FH_LIT(NAME), NULL));
    want(w, a, "");
    want(w, b, "y");
    connect_to(w, a, NAME);
    connect_to(w, b, NAME);
    say_ok(w, pub, "x1");
    say_ok(w, pub, "x2");
    assert_int_equal(say(w, pub, "y"), FH_AGAIN); /* nobody gets it before all can */
    hear_none(w, b);
    hear(w, a, "x1");
    hear(w, a, "x2");
    say_ok(w, pub, "y");
    hear(w, a, "y");
    hear(w, b, "y");
    world_free(w);
}

static void test_welcome(void **state) {
    world w = world_new(state);
    fh_sock pub = open_patient(w, FH_ZMTP_XPUB), a = open_patient(w, FH_ZMTP_SUB), b = open_patient(w, FH_ZMTP_SUB);
    fh_assert_ok(fh_sock_welcome(w.c, pub, FH_LIT("W elcome")));
    wire_name n = bind_fresh(w, pub, TCP);
    want(w, a, "W");
    connect_to(w, a, n.text);
    hear_wish(w, pub, 1, "W");
    await(w, a, "W elcome");
    want(w, b, "other");
    connect_to(w, b, n.text);
    hear_wish(w, pub, 1, "other");
    tell(w, pub, "other");
    await(w, b, "other"); /* it did not want to be welcomed */
    fh_assert_ok(fh_sock_welcome(w.c, pub, FH_LIT("")));
    world_stop(w);
}

static void test_invert(void **state) {
    world w = world_new(state);
    fh_sock pub = bound(w, FH_ZMTP_PUB, NAME), a = open_sock(w, FH_ZMTP_SUB), b = open_sock(w, FH_ZMTP_SUB);
    set(w, pub, FH_SOCK_INVERT_MATCHING, 1);
    set(w, a, FH_SOCK_INVERT_MATCHING, 1);
    set(w, b, FH_SOCK_INVERT_MATCHING, 1);
    connect_to(w, a, NAME);
    connect_to(w, b, NAME);
    want(w, a, "x");
    say_ok(w, pub, "x1");
    say_ok(w, pub, "y1");
    hear(w, a, "y1");
    hear_none(w, a);
    hear(w, b, "x1");
    hear(w, b, "y1");
    world_free(w);
}

/* --- REQ ------------------------------------------------------------------------------------------------------------------ */

/* The number of a question stands in front of it, and an answer without it is nobody's. */
static void test_correlate(void **state) {
    world w = world_new(state);
    fh_sock router = bound(w, FH_ZMTP_ROUTER, NAME), req = open_sock(w, FH_ZMTP_REQ);
    set(w, req, FH_SOCK_REQ_CORRELATE, 1);
    set(w, req, FH_SOCK_REQ_RELAXED, 1);
    connect_to(w, req, NAME);
    fh_message asked[2], m = {0};
    for (int i = 0; i < 2; i++) {
        say_ok(w, req, i == 0 ? "first" : "second"); /* before an answer */
        asked[i] = (fh_message){0};
        fh_assert_ok(fh_sock_try_receive(w.c, router, &asked[i]));
        assert_int_equal(fh_message_count(&asked[i]), 4); /* name, number, nothing, text */
        assert_int_equal(fh_message_view(&asked[i], 1).size, 4);
    }
    assert_false(fh_span_equal(fh_message_view(&asked[0], 1), fh_message_view(&asked[1], 1)));
    fh_assert_ok(fh_message_share(&asked[0], w.a, &m));
    fh_assert_ok(fh_sock_try_send(w.c, router, &m)); /* the answer to the first question comes too late */
    hear_none(w, req);
    fh_message_drop(&m, w.a);
    fh_bytes name = fh_message_part(&asked[1], 0);
    fh_assert_ok(fh_message_push(&m, w.a, &name));
    fh_assert_ok(fh_message_push_copy(&m, w.a, FH_LIT("")));
    fh_assert_ok(fh_message_push_copy(&m, w.a, FH_LIT("no number")));
    fh_assert_ok(fh_sock_try_send(w.c, router, &m));
    hear_none(w, req);
    fh_bytes_drop(&name);
    fh_assert_ok(fh_sock_try_send(w.c, router, &asked[1]));
    hear(w, req, "second");
    for (int i = 0; i < 2; i++)
        fh_message_drop(&asked[i], w.a);
    fh_message_drop(&m, w.a);
    world_free(w);
}

/* Without numbers: the answer of who was asked first is not waited for. */
static void test_relaxed(void **state) {
    world w = world_new(state);
    fh_sock a = bound(w, FH_ZMTP_REP, "inproc://a"), b = bound(w, FH_ZMTP_REP, "inproc://b"), req = open_sock(w, FH_ZMTP_REQ);
    connect_to(w, req, "inproc://a");
    connect_to(w, req, "inproc://b");
    say_ok(w, req, "one");
    assert_int_equal(say(w, req, "two"), FH_INVALID);
    assert_int_equal(get(w, req, FH_SOCK_EVENTS) & FH_SOCK_WRITABLE, 0);
    set(w, req, FH_SOCK_REQ_RELAXED, 1);
    assert_int_equal(get(w, req, FH_SOCK_EVENTS) & FH_SOCK_WRITABLE, FH_SOCK_WRITABLE);
    fh_sock full = open_sock(w, FH_ZMTP_REP), eager = open_sock(w, FH_ZMTP_REQ);
    set(w, full, FH_SOCK_RECEIVE_MARK, 1);
    set(w, eager, FH_SOCK_SEND_MARK, 1);
    set(w, eager, FH_SOCK_REQ_RELAXED, 1);
    fh_assert_ok(fh_sock_bind(w.c, full, FH_LIT("inproc://full"), NULL));
    connect_to(w, eager, "inproc://full");
    say_ok(w, eager, "1");
    say_ok(w, eager, "2");
    assert_int_equal(say(w, eager, "3"), FH_AGAIN); /* no room; the second one still waits for its answer */
    hear_none(w, eager);
    hear(w, full, "1");
    say_ok(w, full, "answer");
    hear(w, eager, "answer");
    say_ok(w, req, "two");
    hear(w, a, "one");
    hear(w, b, "two");
    say_ok(w, a, "answer to one");
    hear_none(w, req);
    say_ok(w, b, "answer to two");
    hear(w, req, "answer to two");
    world_free(w);
}

/* --- ROUTER --------------------------------------------------------------------------------------------------------------- */

/* An empty message of each peer that comes or goes, before all and after all that it sent. */
static void test_notify(void **state) {
    world w = world_new(state);
    fh_sock router = open_patient(w, FH_ZMTP_ROUTER), both = open_patient(w, FH_ZMTP_DEALER);
    set(w, router, FH_SOCK_ROUTER_NOTIFY, 3);
    fh_assert_ok(fh_sock_identify(w.c, both, FH_LIT("ann")));
    wire_name n = bind_fresh(w, router, TCP);
    connect_to(w, both, n.text);
    tell(w, both, "text");
    await(w, router, "ann|");
    await(w, router, "ann|text");
    tell(w, both, "more");
    close_sock(w, both);
    await(w, router, "ann|more");
    await(w, router, "ann|");
    set(w, router, FH_SOCK_ROUTER_NOTIFY, 2);
    fh_sock again = open_patient(w, FH_ZMTP_DEALER);
    fh_assert_ok(fh_sock_identify(w.c, again, FH_LIT("ann")));
    connect_to(w, again, n.text);
    tell(w, again, "first");
    await(w, router, "ann|first");
    world_stop(w);
}

/* A ROUTER that connects may say what it calls whom it connects to, and speak to it at once. */
static void name_next(world w, transport t) {
    fh_sock dealer = open_patient(w, FH_ZMTP_DEALER), router = open_patient(w, FH_ZMTP_ROUTER);
    wire_name n = bind_fresh(w, dealer, t);
    set(w, router, FH_SOCK_ROUTER_MANDATORY, 1);
    fh_assert_ok(fh_sock_name_next(w.c, router, FH_LIT("dealer")));
    connect_to(w, router, n.text);
    say_ok(w, router, "dealer|to you");
    await(w, dealer, "to you");
    tell(w, dealer, "to me");
    await(w, router, "dealer|to me");
    fh_sock other = open_patient(w, FH_ZMTP_DEALER);
    wire_name second = bind_fresh(w, other, t);
    connect_to(w, router, second.text); /* the name was for the first one */
    tell(w, other, "x");
    fh_message m = {0};
    fh_assert_ok(fh_sock_receive(w.c, router, &m));
    assert_int_equal(fh_message_view(&m, 0).size, 5);
    fh_message_drop(&m, w.a);
}
static void test_name_next(void **state) {
    for (transport t = INPROC; t < TRANSPORTS; t++) {
        world w = world_new(state);
        name_next(w, t);
        world_stop(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_values),   FH_TEST_ALLOC(test_conflate), FH_TEST_ALLOC(test_conflate_subscriptions),
        FH_TEST_ALLOC(test_verboser), FH_TEST_ALLOC(test_manual),   FH_TEST_ALLOC(test_last_value),
        FH_TEST_ALLOC(test_said_again), FH_TEST_ALLOC(test_nodrop),
        FH_TEST_ALLOC(test_welcome),  FH_TEST_ALLOC(test_invert),   FH_TEST_ALLOC(test_correlate),
        FH_TEST_ALLOC(test_relaxed),  FH_TEST_ALLOC(test_notify),   FH_TEST_ALLOC(test_name_next),
    };
    return run_where_possible("test_option", tests, sizeof tests / sizeof *tests);
}
