/* test_pattern.c: the clauses of RFC 28 to 31, each by its number in docs/SOCKETS.md. */
#include "sock_world.h"

#define NAME "inproc://x"

/* --- RFC 31: PAIR --------------------------------------------------------------------------------------------------------- */

static void test_31_01_02_pair(void **state) {
    world w = world_new(state);
    fh_sock a = bound(w, FH_ZMTP_PAIR, NAME), b = connected(w, FH_ZMTP_PAIR, NAME), late = connected(w, FH_ZMTP_PAIR, NAME);
    say_ok(w, a, "to b|and more");
    hear(w, b, "to b|and more");
    say_ok(w, b, "to a");
    hear(w, a, "to a");
    assert_int_equal(say(w, late, "nobody there"), FH_AGAIN);
    say_ok(w, a, "still b");
    hear(w, b, "still b");
    hear_none(w, late);
    world_free(w);
}

/* "SHALL block on sending, or return an error, when its peer is not available", and when the queue is full. */
static void test_31_03_pair_blocks(void **state) {
    world w = world_new(state);
    fh_sock a = open_sock(w, FH_ZMTP_PAIR), b = open_sock(w, FH_ZMTP_PAIR);
    fh_err err = {0};
    assert_int_equal(say(w, a, "x"), FH_AGAIN);
    set(w, a, FH_SOCK_SEND_MARK, 2);
    set(w, b, FH_SOCK_RECEIVE_MARK, 1);
    fh_assert_ok(fh_sock_bind(w.c, a, FH_LIT(NAME), &err));
    connect_to(w, b, NAME);
    for (int i = 0; i < 3; i++)
        say_ok(w, a, "m");
    assert_int_equal(say(w, a, "m"), FH_AGAIN);
    set(w, a, FH_SOCK_SEND_TIMEOUT, 1);
    fh_message m = message_of(w.a, "m");
    fh_assert_code(fh_sock_send(w.c, a, &m), FH_TIMEOUT);
    assert_int_equal(fh_message_count(&m), 1);
    fh_message_drop(&m, w.a);
    hear(w, b, "m");
    hear(w, b, "m"); /* half of the mark: told */
    say_ok(w, a, "m");
    world_free(w);
}

/* --- RFC 30: PUSH, PULL --------------------------------------------------------------------------------------------------- */

/* "SHALL route outgoing messages to available peers using a round-robin strategy"; "SHALL receive incoming messages from its
 * peers using a fair-queuing strategy". */
static void test_30_01_02_rounds(void **state) {
    world w = world_new(state);
    fh_sock push = bound(w, FH_ZMTP_PUSH, NAME), pull[3], sink = bound(w, FH_ZMTP_PULL, "inproc://sink"), source[3];
    for (int i = 0; i < 3; i++)
        pull[i] = connected(w, FH_ZMTP_PULL, NAME);
    const char *texts[] = {"a", "b", "c", "d", "e", "f"};
    for (int i = 0; i < 6; i++)
        say_ok(w, push, texts[i]);
    for (int i = 0; i < 3; i++) {
        hear(w, pull[i], texts[i]);
        hear(w, pull[i], texts[i + 3]);
        hear_none(w, pull[i]);
    }
    for (int i = 0; i < 3; i++) {
        source[i] = connected(w, FH_ZMTP_PUSH, "inproc://sink");
        for (int k = 0; k < 4; k++)
            say_ok(w, source[i], texts[i]);
    }
    for (int k = 0; k < 12; k++)
        hear(w, sink, texts[k % 3]); /* one of each in turn, however many one of them has */
    hear_none(w, sink);
    world_free(w);
}

/* "SHALL consider a peer as available only when it has an outgoing queue that is not full"; "SHALL block on sending, or return
 * an error, when it has no available peers"; "SHALL NOT discard messages that it cannot queue". */
static void test_30_03_04_05_full_peers(void **state) {
    world w = world_new(state);
    fh_sock push = open_sock(w, FH_ZMTP_PUSH);
    fh_err err = {0};
    assert_int_equal(say(w, push, "nobody"), FH_AGAIN);
    set(w, push, FH_SOCK_SEND_MARK, 1);
    fh_assert_ok(fh_sock_bind(w.c, push, FH_LIT(NAME), &err));
    fh_sock slow = open_sock(w, FH_ZMTP_PULL), fast = open_sock(w, FH_ZMTP_PULL);
    set(w, slow, FH_SOCK_RECEIVE_MARK, 1);
    set(w, fast, FH_SOCK_RECEIVE_MARK, 10);
    connect_to(w, slow, NAME);
    connect_to(w, fast, NAME);
    for (int i = 0; i < 13; i++)
        say_ok(w, push, "m");
    assert_int_equal(say(w, push, "one too many"), FH_AGAIN);
    for (int i = 0; i < 2; i++)
        hear(w, slow, "m");
    for (int i = 0; i < 11; i++)
        hear(w, fast, "m");
    hear_none(w, slow);
    hear_none(w, fast);
    world_free(w);
}

/* Neither type does what the other one does. */
static void test_30_06_one_way(void **state) {
    world w = world_new(state);
    fh_sock push = bound(w, FH_ZMTP_PUSH, NAME), pull = connected(w, FH_ZMTP_PULL, NAME);
    assert_int_equal(say(w, pull, "x"), FH_UNSUPPORTED);
    hear_code(w, push, FH_UNSUPPORTED);
    world_free(w);
}

/* --- RFC 29: PUB, SUB, XPUB, XSUB ----------------------------------------------------------------------------------------- */

static void want(world w, fh_sock s, const char *prefix) {
    fh_assert_ok(fh_sock_subscribe(w.c, s, fh_span_of_str(prefix)));
}
static void want_no_more(world w, fh_sock s, const char *prefix) {
    fh_assert_ok(fh_sock_unsubscribe(w.c, s, fh_span_of_str(prefix)));
}

/* Prefixes, added and counted; what nobody wants goes to nobody; subscriptions made before connecting count. */
static void test_29_01_02_03_filters(void **state) {
    world w = world_new(state);
    fh_sock pub = bound(w, FH_ZMTP_PUB, NAME), early = open_sock(w, FH_ZMTP_SUB), all = connected(w, FH_ZMTP_SUB, NAME);
    want(w, early, "a");
    want(w, early, "a");
    want(w, early, "b");
    connect_to(w, early, NAME);
    say_ok(w, pub, "ax|body");
    hear(w, early, "ax|body");
    hear_none(w, all);
    want(w, all, "");
    say_ok(w, pub, "c");
    say_ok(w, pub, "b");
    hear(w, early, "b");
    hear(w, all, "c");
    hear(w, all, "b");
    want_no_more(w, early, "a");
    say_ok(w, pub, "a1");
    want_no_more(w, early, "a");
    fh_assert_code(fh_sock_unsubscribe(w.c, early, FH_LIT("a")), FH_NOT_FOUND);
    hear_none(w, early); /* "a1" is on its way, and not wanted any more */
    say_ok(w, pub, "a2");
    hear_none(w, early);
    hear(w, all, "a1");
    assert_int_equal(say(w, all, "x"), FH_UNSUPPORTED);
    hear_code(w, pub, FH_UNSUPPORTED);
    fh_assert_code(fh_sock_subscribe(w.c, pub, FH_LIT("a")), FH_UNSUPPORTED);
    world_free(w);
}

/* A publisher SHALL NOT block: it drops for a subscriber whose queue is full, and for that one only. */
static void test_29_04_full_subscriber(void **state) {
    world w = world_new(state);
    fh_sock pub = open_sock(w, FH_ZMTP_PUB), slow = open_sock(w, FH_ZMTP_SUB), fast = open_sock(w, FH_ZMTP_SUB);
    fh_err err = {0};
    set(w, pub, FH_SOCK_SEND_MARK, 1);
    set(w, slow, FH_SOCK_RECEIVE_MARK, 1);
    fh_assert_ok(fh_sock_bind(w.c, pub, FH_LIT(NAME), &err));
    want(w, slow, "");
    want(w, fast, "");
    connect_to(w, slow, NAME);
    connect_to(w, fast, NAME);
    const char *texts[] = {"1", "2", "3", "4"};
    for (int i = 0; i < 4; i++)
        say_ok(w, pub, texts[i]);
    for (int i = 0; i < 4; i++)
        hear(w, fast, texts[i]);
    hear(w, slow, "1");
    hear(w, slow, "2");
    hear_none(w, slow);
    say_ok(w, pub, "5");
    hear(w, slow, "5");
    world_free(w);
}

/* An XPUB hears the first of equal subscriptions and the end of the last, or each with XPUB_VERBOSE; also when a subscriber
 * goes. */
static void test_29_05_xpub_hears(void **state) {
    world w = world_new(state);
    fh_sock xpub = bound(w, FH_ZMTP_XPUB, NAME), a = connected(w, FH_ZMTP_SUB, NAME), b = connected(w, FH_ZMTP_SUB, NAME);
    want(w, a, "t");
    hear(w, xpub, "\1t");
    want(w, b, "t");
    hear_none(w, xpub);
    set(w, xpub, FH_SOCK_XPUB_VERBOSE, 1);
    want(w, b, "t");
    hear(w, xpub, "\1t");
    say_ok(w, xpub, "to both");
    hear(w, a, "to both");
    hear(w, b, "to both");
    close_sock(w, b);
    hear_none(w, xpub);
    want_no_more(w, a, "t");
    fh_message m = {0};
    fh_assert_ok(fh_sock_try_receive(w.c, xpub, &m));
    assert_true(fh_span_equal(fh_message_view(&m, 0), FH_LIT("\0t")));
    fh_message_drop(&m, w.a);
    want(w, a, "gone");
    hear(w, xpub, "\1gone");
    close_sock(w, a);
    fh_assert_ok(fh_sock_try_receive(w.c, xpub, &m));
    assert_true(fh_span_equal(fh_message_view(&m, 0), FH_LIT("\0gone")));
    fh_message_drop(&m, w.a);
    world_free(w);
}

/* An XSUB subscribes by messages, and sends others upstream. */
static void test_29_06_xsub(void **state) {
    world w = world_new(state);
    fh_sock xpub = bound(w, FH_ZMTP_XPUB, NAME), pub = bound(w, FH_ZMTP_PUB, "inproc://p"), xsub = open_sock(w, FH_ZMTP_XSUB);
    connect_to(w, xsub, NAME);
    connect_to(w, xsub, "inproc://p");
    say_ok(w, xsub, "\1a");
    hear(w, xpub, "\1a");
    say_ok(w, xsub, "hello|up there");
    hear(w, xpub, "hello|up there");
    say_ok(w, pub, "a1");
    say_ok(w, pub, "b1");
    hear(w, xsub, "a1");
    hear_none(w, xsub);
    world_free(w);
}

/* --- RFC 28: REQ, REP, DEALER, ROUTER ------------------------------------------------------------------------------------- */

/* "SHALL send and then receive exactly one message at a time"; REP "SHALL receive and then send". */
static void test_28_01_02_strict_order(void **state) {
    world w = world_new(state);
    fh_sock rep = bound(w, FH_ZMTP_REP, NAME), req = connected(w, FH_ZMTP_REQ, NAME);
    hear_code(w, req, FH_INVALID);
    assert_int_equal(say(w, rep, "x"), FH_INVALID);
    say_ok(w, req, "question|in two");
    assert_int_equal(say(w, req, "x"), FH_INVALID);
    hear_none(w, req);
    hear(w, rep, "question|in two");
    hear_code(w, rep, FH_INVALID);
    say_ok(w, rep, "answer");
    assert_int_equal(say(w, rep, "x"), FH_INVALID);
    hear(w, req, "answer");
    hear_code(w, req, FH_INVALID);
    world_free(w);
}

/* "SHALL prefix the outgoing message with an empty delimiter frame"; "SHALL accept an incoming message only from the last peer
 * that it sent a request to", and "SHALL discard silently" all others, and what has no delimiter. */
static void test_28_03_04_req(void **state) {
    world w = world_new(state);
    fh_sock one = bound(w, FH_ZMTP_ROUTER, "inproc://1"), two = bound(w, FH_ZMTP_ROUTER, "inproc://2");
    fh_sock req = open_sock(w, FH_ZMTP_REQ);
    fh_assert_ok(fh_sock_identify(w.c, req, FH_LIT("me")));
    connect_to(w, req, "inproc://1");
    connect_to(w, req, "inproc://2");
    say_ok(w, req, "q");
    hear(w, one, "me||q");
    say_ok(w, one, "me|no delimiter");
    say_ok(w, one, "me||an answer");
    hear(w, req, "an answer");
    say_ok(w, one, "me||too late");
    say_ok(w, two, "me||too early"); /* RFC 28: no request was sent to it */
    say_ok(w, req, "q2"); /* round robin */
    hear(w, two, "me||q2");
    hear_none(w, req);
    say_ok(w, two, "me||answer 2");
    hear(w, req, "answer 2");
    world_free(w);
}

/* REP "SHALL remove and store the address envelope", and "SHALL prepend" it to the answer; "SHALL discard" it when the peer is
 * gone; answers go to who asked. */
static void test_28_05_06_rep(void **state) {
    world w = world_new(state);
    fh_sock rep = bound(w, FH_ZMTP_REP, NAME), a = connected(w, FH_ZMTP_DEALER, NAME), b = connected(w, FH_ZMTP_DEALER, NAME);
    say_ok(w, a, "no delimiter");
    say_ok(w, a, "addr 1|addr 2||body|more");
    say_ok(w, b, "|from b");
    hear(w, rep, "from b"); /* fair: the first of a's was none */
    say_ok(w, rep, "answer b");
    hear(w, b, "|answer b");
    hear(w, rep, "body|more");
    say_ok(w, rep, "answer");
    hear(w, a, "addr 1|addr 2||answer");
    say_ok(w, b, "|again");
    hear(w, rep, "again");
    close_sock(w, b);
    fh_sock c = connected(w, FH_ZMTP_DEALER, NAME); /* it may get the number of who is gone, but not the answer */
    say_ok(w, c, "|from c");
    say_ok(w, rep, "for b");
    hear_none(w, c);
    hear(w, rep, "from c");
    say_ok(w, rep, "for c");
    hear(w, c, "|for c");
    world_free(w);
}

/* The answer for a peer that is gone does not go to the one that has its number now. */
static void test_28_06_answer_for_nobody(void **state) {
    world w = world_new(state);
    fh_sock rep = open_sock(w, FH_ZMTP_REP), old = bound(w, FH_ZMTP_DEALER, "inproc://old");
    fh_sock new = bound(w, FH_ZMTP_DEALER, NAME);
    connect_to(w, rep, "inproc://old");
    say_ok(w, old, "|question");
    hear(w, rep, "question");
    fh_assert_ok(fh_sock_disconnect(w.c, rep, FH_LIT("inproc://old")));
    connect_to(w, rep, NAME);
    say_ok(w, rep, "answer");
    hear_none(w, new);
    hear_none(w, old);
    say_ok(w, new, "|question");
    hear(w, rep, "question");
    world_free(w);
}

/* DEALER: round robin, fair queue, both ways. */
static void test_28_07_dealer(void **state) {
    world w = world_new(state);
    fh_sock dealer = bound(w, FH_ZMTP_DEALER, NAME);
    fh_sock a = connected(w, FH_ZMTP_DEALER, NAME), b = connected(w, FH_ZMTP_DEALER, NAME);
    say_ok(w, dealer, "1");
    say_ok(w, dealer, "2");
    say_ok(w, dealer, "3");
    hear(w, a, "1");
    hear(w, a, "3");
    hear(w, b, "2");
    say_ok(w, a, "a1");
    say_ok(w, a, "a2");
    say_ok(w, b, "b1");
    hear(w, dealer, "a1");
    hear(w, dealer, "b1");
    hear(w, dealer, "a2");
    say_ok(w, b, "b2");
    say_ok(w, b, "b3");
    close_sock(w, b);
    for (int i = 0; i < 2; i++)
        say_ok(w, dealer, i == 0 ? "4" : "5"); /* b is gone, though it can still be heard */
    hear(w, a, "4");
    hear(w, a, "5");
    hear(w, dealer, "b2");
    hear(w, dealer, "b3");
    world_free(w);
}

/* ROUTER: identities in front, taken off again; unknown peers; names of its own for peers without one. */
static void test_28_08_09_10_router(void **state) {
    world w = world_new(state);
    fh_sock router = bound(w, FH_ZMTP_ROUTER, NAME), named = open_sock(w, FH_ZMTP_DEALER);
    fh_assert_ok(fh_sock_identify(w.c, named, FH_LIT("ann")));
    connect_to(w, named, NAME);
    fh_sock other = connected(w, FH_ZMTP_DEALER, NAME);
    say_ok(w, named, "hi");
    hear(w, router, "ann|hi");
    say_ok(w, router, "ann|to you|alone");
    hear(w, named, "to you|alone");
    hear_none(w, other);
    say_ok(w, router, "nobody|x"); /* dropped */
    say_ok(w, router, "ann");      /* nothing behind the identity */
    hear_none(w, named);
    set(w, router, FH_SOCK_ROUTER_MANDATORY, 1);
    assert_int_equal(say(w, router, "nobody|x"), FH_NOT_FOUND);
    say_ok(w, other, "1|2|3|4");
    fh_message m = {0};
    fh_assert_ok(fh_sock_try_receive(w.c, router, &m));
    assert_int_equal(fh_message_count(&m), 5);
    assert_int_equal(fh_message_view(&m, 0).size, 5);
    assert_int_equal(fh_span_at(fh_message_view(&m, 0), 0), 0);
    fh_assert_ok(fh_sock_try_send(w.c, router, &m));
    hear(w, other, "1|2|3|4");
    close_sock(w, named);
    assert_int_equal(say(w, router, "ann|x"), FH_NOT_FOUND);
    fh_assert_code(fh_sock_identify(w.c, other, FH_LIT("\0x")), FH_INVALID);
    fh_assert_code(fh_sock_identify(w.c, other, FH_LIT("")), FH_INVALID);
    world_free(w);
}

/* A full peer: dropped, or FH_AGAIN with ROUTER_MANDATORY. */
static void test_28_11_router_full(void **state) {
    world w = world_new(state);
    fh_sock router = open_sock(w, FH_ZMTP_ROUTER), dealer = open_sock(w, FH_ZMTP_DEALER);
    fh_err err = {0};
    fh_assert_ok(fh_sock_identify(w.c, dealer, FH_LIT("d")));
    set(w, router, FH_SOCK_SEND_MARK, 1);
    set(w, dealer, FH_SOCK_RECEIVE_MARK, 1);
    fh_assert_ok(fh_sock_bind(w.c, router, FH_LIT(NAME), &err));
    connect_to(w, dealer, NAME);
    for (int i = 0; i < 3; i++)
        say_ok(w, router, "d|x");
    set(w, router, FH_SOCK_ROUTER_MANDATORY, 1);
    assert_int_equal(say(w, router, "d|y"), FH_AGAIN);
    hear(w, dealer, "x");
    say_ok(w, router, "d|y");
    hear(w, dealer, "x");
    hear(w, dealer, "y");
    hear_none(w, dealer);
    world_free(w);
}

/* An identity that somebody has: the new peer is sent away, or takes over. */
static void test_28_12_handover(void **state) {
    for (int handover = 0; handover < 2; handover++) {
        world w = world_new(state);
        fh_sock router = bound(w, FH_ZMTP_ROUTER, NAME), old = open_sock(w, FH_ZMTP_DEALER), new = open_sock(w, FH_ZMTP_DEALER);
        set(w, router, FH_SOCK_ROUTER_HANDOVER, handover);
        fh_assert_ok(fh_sock_identify(w.c, old, FH_LIT("d")));
        fh_assert_ok(fh_sock_identify(w.c, new, FH_LIT("d")));
        connect_to(w, old, NAME);
        say_ok(w, router, "d|1");
        connect_to(w, new, NAME);
        say_ok(w, router, "d|2");
        hear(w, old, "1");
        if (handover) {
            hear_none(w, old);
            hear(w, new, "2");
        } else {
            hear(w, old, "2");
            hear_none(w, new);
        }
        assert_int_equal(say(w, handover ? old : new, "x"), FH_AGAIN); /* it has no peer */
        world_free(w);
    }
}

/* Who names its peers can be asked for one. */
static void test_has_peer(void **state) {
    world w = world_new(state);
    fh_sock router = open_sock(w, FH_ZMTP_ROUTER), dealer = open_sock(w, FH_ZMTP_DEALER);
    set(w, router, FH_SOCK_SEND_MARK, 1);
    set(w, dealer, FH_SOCK_RECEIVE_MARK, 1);
    fh_assert_ok(fh_sock_identify(w.c, dealer, FH_LIT("d")));
    fh_assert_ok(fh_sock_bind(w.c, router, FH_LIT(NAME), NULL));
    fh_assert_code(fh_sock_has_peer(w.c, dealer, FH_LIT("d")), FH_UNSUPPORTED);
    fh_assert_code(fh_sock_has_peer(w.c, router, FH_LIT("d")), FH_NOT_FOUND);
    connect_to(w, dealer, NAME);
    for (int i = 0; i < 2; i++) {
        fh_assert_ok(fh_sock_has_peer(w.c, router, FH_LIT("d")));
        say_ok(w, router, "d|x");
    }
    fh_assert_code(fh_sock_has_peer(w.c, router, FH_LIT("d")), FH_AGAIN);
    close_sock(w, dealer);
    fh_assert_code(fh_sock_has_peer(w.c, router, FH_LIT("d")), FH_NOT_FOUND);
    world_free(w);
}

/* PROBE_ROUTER: an empty message to each new peer. */
static void test_28_13_probe(void **state) {
    world w = world_new(state);
    fh_sock router = bound(w, FH_ZMTP_ROUTER, NAME), dealer = open_sock(w, FH_ZMTP_DEALER);
    fh_assert_ok(fh_sock_identify(w.c, dealer, FH_LIT("d")));
    set(w, dealer, FH_SOCK_PROBE_ROUTER, 1);
    connect_to(w, dealer, NAME);
    hear(w, router, "d|");
    world_free(w);
}

/* A REQ hears once that nobody will answer. */
static void test_28_14_lost_request(void **state) {
    world w = world_new(state);
    fh_sock rep = bound(w, FH_ZMTP_REP, NAME), req = connected(w, FH_ZMTP_REQ, NAME);
    say_ok(w, req, "q");
    hear(w, rep, "q");
    close_sock(w, rep);
    assert_int_equal(get(w, req, FH_SOCK_EVENTS), FH_SOCK_READABLE);
    hear_code(w, req, FH_END);
    hear_code(w, req, FH_INVALID);
    assert_int_equal(say(w, req, "again"), FH_AGAIN);
    rep = bound(w, FH_ZMTP_REP, NAME);
    connect_to(w, req, NAME);
    say_ok(w, req, "again");
    hear(w, rep, "again");
    world_free(w);
}

/* Types that do not talk to each other are not connected. */
static void test_37_26_types(void **state) {
    world w = world_new(state);
    fh_sock push = bound(w, FH_ZMTP_PUSH, NAME), early = connected(w, FH_ZMTP_REQ, "inproc://later");
    fh_err err = {0};
    for (fh_zmtp_socket type = FH_ZMTP_PAIR; type <= FH_ZMTP_XSUB; type++) {
        fh_sock s = open_sock(w, type);
        fh_err_clear(&err);
        fh_assert_code(fh_sock_connect(w.c, s, FH_LIT(NAME), &err), type == FH_ZMTP_PULL ? FH_OK : FH_INVALID);
        close_sock(w, s);
    }
    (void)push;
    say_ok(w, early, "q");
    fh_sock pub = bound(w, FH_ZMTP_PUB, "inproc://later");
    hear_code(w, early, FH_END);
    (void)pub;
    world_free(w);
}

/* --- what a send would find ----------------------------------------------------------------------------------------------- */

/* What a send is said to find is what it finds. */
static fh_code may(world w, fh_sock s, const char *first) {
    return fh_sock_may_send(w.c, s, fh_span_of_str(first)).code;
}
#define may_and_does(w, s, text, first, code)                   \
    do {                                                        \
        assert_int_equal(may((w), (s), (first)), (code));       \
        assert_int_equal(say((w), (s), (text)), (code));        \
    } while (0)

static void test_may_send(void **state) {
    world w = world_new(state);
    fh_sock push = open_sock(w, FH_ZMTP_PUSH), pull = open_sock(w, FH_ZMTP_PULL), gone = open_sock(w, FH_ZMTP_PAIR);
    may_and_does(w, pull, "m", "m", FH_UNSUPPORTED);
    may_and_does(w, push, "m", "m", FH_AGAIN);
    set(w, push, FH_SOCK_SEND_MARK, 1);
    set(w, pull, FH_SOCK_RECEIVE_MARK, 1);
    fh_assert_ok(fh_sock_bind(w.c, push, FH_LIT(NAME), NULL));
    connect_to(w, pull, NAME); /* the other one has not looked since */
    for (int i = 0; i < 3; i++)
        assert_int_equal(may(w, push, "m"), FH_OK); /* asking takes nothing */
    may_and_does(w, push, "m", "m", FH_OK);
    may_and_does(w, push, "m", "m", FH_OK);
    may_and_does(w, push, "m", "m", FH_AGAIN);
    hear(w, pull, "m");
    hear(w, pull, "m");
    may_and_does(w, push, "m", "m", FH_OK);
    fh_sock pub = bound(w, FH_ZMTP_PUB, "inproc://p");
    may_and_does(w, pub, "m", "m", FH_OK); /* to nobody */
    close_sock(w, gone);
    assert_int_equal(may(w, gone, "m"), FH_STALE);
    world_free(w);
}

static void test_may_ask_and_answer(void **state) {
    world w = world_new(state);
    fh_sock rep = bound(w, FH_ZMTP_REP, NAME), req = open_sock(w, FH_ZMTP_REQ);
    may_and_does(w, rep, "a", "a", FH_INVALID);
    may_and_does(w, req, "q", "q", FH_AGAIN);
    connect_to(w, req, NAME);
    may_and_does(w, req, "q", "q", FH_OK);
    may_and_does(w, req, "q", "q", FH_INVALID);
    hear(w, rep, "q");
    may_and_does(w, rep, "a", "a", FH_OK);
    may_and_does(w, rep, "a", "a", FH_INVALID);
    hear(w, req, "a");
    set(w, req, FH_SOCK_REQ_RELAXED, 1);
    may_and_does(w, req, "q", "q", FH_OK);
    assert_int_equal(may(w, req, "q"), FH_OK); /* another question, instead */
    world_free(w);
}

static void test_may_route(void **state) {
    world w = world_new(state);
    fh_sock router = open_sock(w, FH_ZMTP_ROUTER), dealer = open_sock(w, FH_ZMTP_DEALER);
    set(w, router, FH_SOCK_SEND_MARK, 1);
    fh_assert_ok(fh_sock_bind(w.c, router, FH_LIT(NAME), NULL));
    may_and_does(w, router, "d|m", "d", FH_OK); /* it is dropped */
    set(w, router, FH_SOCK_ROUTER_MANDATORY, 1);
    may_and_does(w, router, "d|m", "d", FH_NOT_FOUND);
    fh_assert_ok(fh_sock_identify(w.c, dealer, FH_LIT("d")));
    set(w, dealer, FH_SOCK_RECEIVE_MARK, 1);
    connect_to(w, dealer, NAME);
    may_and_does(w, router, "d|m", "d", FH_OK);
    may_and_does(w, router, "d|m", "d", FH_OK);
    may_and_does(w, router, "d|m", "d", FH_AGAIN);
    may_and_does(w, router, "e|m", "e", FH_NOT_FOUND);
    hear(w, dealer, "m");
    hear(w, dealer, "m");
    may_and_does(w, router, "d|m", "d", FH_OK);
    close_sock(w, dealer);
    may_and_does(w, router, "d|m", "d", FH_NOT_FOUND);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_31_01_02_pair),        FH_TEST_ALLOC(test_31_03_pair_blocks),
        FH_TEST_ALLOC(test_30_01_02_rounds),      FH_TEST_ALLOC(test_30_03_04_05_full_peers),
        FH_TEST_ALLOC(test_30_06_one_way),        FH_TEST_ALLOC(test_29_01_02_03_filters),
        FH_TEST_ALLOC(test_29_04_full_subscriber), FH_TEST_ALLOC(test_29_05_xpub_hears),
        FH_TEST_ALLOC(test_29_06_xsub),           FH_TEST_ALLOC(test_28_01_02_strict_order),
        FH_TEST_ALLOC(test_28_03_04_req),         FH_TEST_ALLOC(test_28_05_06_rep),
        FH_TEST_ALLOC(test_28_06_answer_for_nobody),
        FH_TEST_ALLOC(test_28_07_dealer),         FH_TEST_ALLOC(test_28_08_09_10_router),
        FH_TEST_ALLOC(test_28_11_router_full),    FH_TEST_ALLOC(test_28_12_handover),
        FH_TEST_ALLOC(test_has_peer),
        FH_TEST_ALLOC(test_28_13_probe),          FH_TEST_ALLOC(test_28_14_lost_request),
        FH_TEST_ALLOC(test_37_26_types),          FH_TEST_ALLOC(test_may_send),
        FH_TEST_ALLOC(test_may_ask_and_answer),   FH_TEST_ALLOC(test_may_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
