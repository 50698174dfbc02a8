/* test_proxy.c: messages through a proxy: both ways, held back, captured, steered (proxy.c). */
#include <pthread.h>
#include <string.h>

#include "conn_world.h"

typedef struct proxy {
    world w;
    fh_sock_proxy_sockets at;
    fh_sock_proxy_counts counts;
    fh_status status;
    pthread_t thread;
} proxy;

static void *run(void *arg) {
    proxy *p = arg;
    p->status = fh_sock_proxy(p->w.c, p->w.a, &p->at, &p->counts);
    return NULL;
}
static void start(proxy *p) {
    assert_int_equal(pthread_create(&p->thread, NULL, run, p), 0);
}
static void end(proxy *p, fh_code code) {
    assert_int_equal(pthread_join(p->thread, NULL), 0);
    fh_assert_code(p->status, code);
}
static fh_sock bound_patient(world w, fh_zmtp_socket type, const char *name) {
    fh_sock s = open_patient(w, type);
    assert_int_equal(bind_to(w, s, name), FH_OK);
    return s;
}
static fh_sock connected_patient(world w, fh_zmtp_socket type, const char *name) {
    fh_sock s = open_patient(w, type);
    connect_to(w, s, name);
    return s;
}

/* Questions and answers, each captured; a REP answers to each command. */
static void test_both_ways(void **state) {
    world w = world_new(state);
    proxy p = {.w = w};
    p.at.frontend = open_patient(w, FH_ZMTP_ROUTER);
    p.at.backend = bound_patient(w, FH_ZMTP_DEALER, "inproc://back");
    p.at.capture = bound_patient(w, FH_ZMTP_PUSH, "inproc://capture");
    p.at.control = bound_patient(w, FH_ZMTP_REP, "inproc://control");
    wire_name n = bind_fresh(w, p.at.frontend, TCP);
    fh_sock rep = connected_patient(w, FH_ZMTP_REP, "inproc://back");
    fh_sock pull = connected_patient(w, FH_ZMTP_PULL, "inproc://capture");
    fh_sock control = connected_patient(w, FH_ZMTP_REQ, "inproc://control"), req = open_patient(w, FH_ZMTP_REQ);
    fh_assert_ok(fh_sock_identify(w.c, req, FH_LIT("ann")));
    connect_to(w, req, n.text);
    start(&p);
    for (int i = 0; i < 3; i++) {
        tell(w, req, "question|?");
        await(w, rep, "question|?");
        tell(w, rep, "answer");
        await(w, req, "answer");
        await(w, pull, "ann||question|?");
        await(w, pull, "ann||answer");
    }
    tell(w, control, "STATISTICS");
    fh_message m = {0};
    fh_assert_ok(fh_sock_receive(w.c, control, &m));
    static const uint64_t expected[8] = {3, 36, 3, 27, 3, 27, 3, 36};
    assert_int_equal(fh_message_count(&m), 8);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(fh_span_u64(fh_message_view(&m, i), 0), expected[i]);
    fh_message_drop(&m, w.a);
    tell(w, control, "PAUSE");
    await(w, control, "");
    tell(w, req, "paused");
    tell(w, control, "what is this?");
    await(w, control, "");
    hear_none(w, rep);
    tell(w, control, "RESUME");
    await(w, control, "");
    await(w, rep, "paused");
    tell(w, control, "TERMINATE");
    await(w, control, "");
    end(&p, FH_OK);
    assert_int_equal(p.counts.frontend.messages_in, 4);
    assert_int_equal(p.counts.backend.messages_out, 4);
    assert_int_equal(p.counts.backend.messages_in, 3);
    world_stop(w);
}

/* What nobody takes is not taken from who sends it. The pull end has room for so many, and the lanes before it. */
static void test_holds_back(void **state) {
    world w = world_new(state);
    proxy p = {.w = w};
    fh_sock push = open_sock(w, FH_ZMTP_PUSH), sink = open_patient(w, FH_ZMTP_PULL);
    p.at.frontend = open_patient(w, FH_ZMTP_PULL);
    p.at.backend = open_patient(w, FH_ZMTP_PUSH);
    p.at.control = bound_patient(w, FH_ZMTP_PAIR, "inproc://control");
    fh_sock control = connected_patient(w, FH_ZMTP_PAIR, "inproc://control");
    set(w, push, FH_SOCK_SEND_MARK, 1);
    set(w, sink, FH_SOCK_RECEIVE_MARK, 1);
    set(w, p.at.frontend, FH_SOCK_RECEIVE_MARK, 1);
    set(w, p.at.backend, FH_SOCK_SEND_MARK, 1);
    assert_int_equal(bind_to(w, p.at.frontend, "inproc://front"), FH_OK);
    assert_int_equal(bind_to(w, p.at.backend, "inproc://back"), FH_OK);
    connect_to(w, push, "inproc://front");
    connect_to(w, sink, "inproc://back");
    start(&p);
    int sent = 0;
    set(w, push, FH_SOCK_SEND_TIMEOUT, 200);
    for (fh_code code = FH_OK; code == FH_OK; sent += code == FH_OK) {
        fh_message m = message_of(w.a, "m");
        code = fh_sock_send(w.c, push, &m).code;
        fh_message_drop(&m, w.a);
    }
    assert_true(sent <= 4);
    tell(w, control, "STATISTICS"); /* it listens all the same */
    fh_message m = {0};
    fh_assert_ok(fh_sock_receive(w.c, control, &m));
    assert_int_equal(fh_message_count(&m), 8);
    assert_true(fh_span_u64(fh_message_view(&m, 0), 0) <= 2);
    fh_message_drop(&m, w.a);
    for (int i = 0; i < sent; i++)
        await(w, sink, "m");
    tell(w, control, "TERMINATE");
    end(&p, FH_OK);
    assert_int_equal(p.counts.backend.messages_out, sent);
    world_stop(w);
}

/* Subscriptions one way, messages the other. What was heard goes on as an ordinary message elsewhere. */
static void test_forwards(void **state) {
    world w = world_new(state);
    proxy p = {.w = w};
    p.at.frontend = open_patient(w, FH_ZMTP_XSUB);
    p.at.backend = open_patient(w, FH_ZMTP_XPUB);
    p.at.capture = open_patient(w, FH_ZMTP_PUSH);
    wire_name front = bind_fresh(w, p.at.frontend, TCP), back = bind_fresh(w, p.at.backend, TCP);
    wire_name capture = bind_fresh(w, p.at.capture, TCP);
    fh_sock pub = open_patient(w, FH_ZMTP_XPUB), sub = open_patient(w, FH_ZMTP_SUB);
    fh_sock log = connect_patient(w, FH_ZMTP_PULL, capture);
    connect_to(w, pub, front.text);
    connect_to(w, sub, back.text);
    start(&p);
    fh_assert_ok(fh_sock_subscribe(w.c, sub, FH_LIT("a")));
    await(w, pub, "\1a");
    await(w, log, "\1a");
    tell(w, pub, "b|no");
    tell(w, pub, "a|yes");
    await(w, sub, "a|yes");
    await(w, log, "a|yes");
    fh_sock_context_stop(w.c);
    end(&p, FH_CANCELED);
    world_free(w);
}

/* A publisher that never looks what it is asked for keeps no proxy from passing on what others ask for, however long
 * subscribers change their minds. */
static void test_idle_publisher(void **state) {
    enum { WISHES = 2 * 8192 + 1000 }; /* more than wait for one peer */
    world w = world_new(state);
    proxy p = {.w = w};
    p.at.frontend = bound_patient(w, FH_ZMTP_XSUB, "inproc://front");
    p.at.backend = bound_patient(w, FH_ZMTP_XPUB, "inproc://back");
    (void)connected_patient(w, FH_ZMTP_PUB, "inproc://front");
    fh_sock pub = connected_patient(w, FH_ZMTP_XPUB, "inproc://front");
    fh_sock restless = connected_patient(w, FH_ZMTP_XSUB, "inproc://back"), sub = open_patient(w, FH_ZMTP_SUB);
    set(w, pub, FH_SOCK_RECEIVE_TIMEOUT, 10000);
    start(&p);
    for (uint32_t i = 0; i < WISHES; i++) {
        fh_message m = {0};
        uint8_t wish[2] = {(i + 1) % 2, 'x'};
        fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){wish, 2}));
        fh_assert_ok(fh_sock_send(w.c, restless, &m));
        fh_assert_ok(fh_sock_receive(w.c, pub, &m));
        assert_true(fh_span_equal(fh_message_view(&m, 0), (fh_span){wish, 2}));
        fh_message_drop(&m, w.a);
    }
    fh_assert_ok(fh_sock_subscribe(w.c, sub, FH_LIT("y")));
    connect_to(w, sub, "inproc://back");
    await(w, pub, "\1y");
    tell(w, pub, "y|for all that");
    await(w, sub, "y|for all that");
    fh_sock_context_stop(w.c);
    end(&p, FH_CANCELED);
    world_free(w);
}

/* One socket for both ends: what comes goes to the next one. */
static void test_one_socket(void **state) {
    world w = world_new(state);
    proxy p = {.w = w};
    p.at.frontend = p.at.backend = bound_patient(w, FH_ZMTP_DEALER, "inproc://both");
    p.at.control = bound_patient(w, FH_ZMTP_PULL, "inproc://control");
    fh_sock a = connected_patient(w, FH_ZMTP_DEALER, "inproc://both");
    fh_sock push = connected_patient(w, FH_ZMTP_PUSH, "inproc://control");
    start(&p);
    tell(w, a, "round");
    await(w, a, "round");
    tell(w, push, "TERMINATE");
    end(&p, FH_OK);
    assert_int_equal(p.counts.frontend.messages_in, 1);
    assert_int_equal(p.counts.backend.messages_out, 1);
    world_stop(w);
}

/* A REP for both ends says back what it is asked. */
static void test_echo(void **state) {
    world w = world_new(state);
    proxy p = {.w = w};
    p.at.frontend = p.at.backend = bound_patient(w, FH_ZMTP_REP, "inproc://both");
    p.at.control = bound_patient(w, FH_ZMTP_PULL, "inproc://control");
    fh_sock req = connected_patient(w, FH_ZMTP_REQ, "inproc://both");
    fh_sock push = connected_patient(w, FH_ZMTP_PUSH, "inproc://control");
    start(&p);
    for (int i = 0; i < 3; i++) {
        tell(w, req, "who|is there?");
        await(w, req, "who|is there?");
    }
    tell(w, push, "TERMINATE");
    end(&p, FH_OK);
    world_stop(w);
}

static void test_refusals(void **state) {
    world w = world_new(state);
    proxy p = {.w = w};
    fh_assert_code(fh_sock_proxy(w.c, w.a, &p.at, &p.counts), FH_STALE);
    p.at.frontend = open_sock(w, FH_ZMTP_PULL);
    fh_assert_code(fh_sock_proxy(w.c, w.a, &p.at, &p.counts), FH_STALE);
    p.at.backend = open_sock(w, FH_ZMTP_PUSH);
    close_sock(w, p.at.backend);
    fh_assert_code(fh_sock_proxy(w.c, w.a, &p.at, &p.counts), FH_STALE);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_both_ways), FH_TEST_ALLOC(test_holds_back),
                                       FH_TEST_ALLOC(test_forwards),  FH_TEST_ALLOC(test_idle_publisher),
                                       FH_TEST_ALLOC(test_one_socket),
                                       FH_TEST_ALLOC(test_echo),      FH_TEST_ALLOC(test_refusals)};
    return run_where_possible("test_proxy", tests, sizeof tests / sizeof *tests);
}
