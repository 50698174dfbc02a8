/* test_conn_libzmq.c: sockets beside those of the installed libzmq, over TCP and local sockets: each pair of types, each side
 * binding, NULL, PLAIN and CURVE. What one side sends the other receives, part by part. Skipped, with the reason, where the
 * tests were built without libzmq.
 *
 * tidy: exempt mirror: it looks at the whole layer through the eyes of another program */
#include "conn_world.h"

#ifndef FH_TEST_LIBZMQ
int main(void) {
    printf("skipped: the tests were built without libzmq\n");
    return 77;
}
#else
#include <pthread.h>
#include <string.h>
#include <zmq.h>

#include "proto/box.h"

enum { LARGE = 100000, ROUNDS = 20 };

typedef struct pair_plan {
    fh_zmtp_socket ours;
    int theirs; /* the same numbers */
    bool sends, receives;
} pair_plan;

static const pair_plan plans[] = {
    {FH_ZMTP_PAIR, ZMQ_PAIR, true, true},     {FH_ZMTP_DEALER, ZMQ_DEALER, true, true}, {FH_ZMTP_PUSH, ZMQ_PULL, true, false},
    {FH_ZMTP_PULL, ZMQ_PUSH, false, true},    {FH_ZMTP_REQ, ZMQ_REP, true, true},       {FH_ZMTP_REP, ZMQ_REQ, true, true},
    {FH_ZMTP_ROUTER, ZMQ_DEALER, true, true}, {FH_ZMTP_DEALER, ZMQ_ROUTER, true, true}, {FH_ZMTP_PUB, ZMQ_SUB, true, false},
    {FH_ZMTP_SUB, ZMQ_PUB, false, true},      {FH_ZMTP_SUB, ZMQ_XPUB, false, true},     {FH_ZMTP_XPUB, ZMQ_XSUB, true, false},
    {FH_ZMTP_XSUB, ZMQ_XPUB, false, true},    {FH_ZMTP_ROUTER, ZMQ_REQ, true, true},    {FH_ZMTP_DEALER, ZMQ_REP, true, true},
    {FH_ZMTP_REQ, ZMQ_ROUTER, true, true},
};

static uint8_t large[LARGE], keys[4][32]; /* secret and public of the server, of the client */

static void option(void *socket, int name, const void *value, size_t size) {
    if (zmq_setsockopt(socket, name, value, size) != 0)
        fail_msg("option %d: %s", name, zmq_strerror(zmq_errno()));
}

/* Lets everybody in who asks libzmq with these words (RFC 27). */
static void *let_in(void *handler) {
    char frame[7][256];
    for (;;) {
        int parts = 0, more = 1;
        size_t size = sizeof more;
        while (more != 0) {
            int got = zmq_recv(handler, frame[parts < 7 ? parts : 6], 255, 0);
            if (got < 0)
                break;
            frame[parts < 7 ? parts : 6][got] = '\0';
            (void)zmq_getsockopt(handler, ZMQ_RCVMORE, &more, &size);
            parts++;
        }
        if (parts < 2)
            break;
        bool known = strcmp(frame[5], "CURVE") == 0 || strcmp(frame[6], "secret") == 0;
        (void)zmq_send(handler, "1.0", 3, ZMQ_SNDMORE);
        (void)zmq_send(handler, frame[1], strlen(frame[1]), ZMQ_SNDMORE);
        (void)zmq_send(handler, known ? "200" : "400", 3, ZMQ_SNDMORE);
        (void)zmq_send(handler, "", 0, ZMQ_SNDMORE);
        (void)zmq_send(handler, "", 0, ZMQ_SNDMORE);
        (void)zmq_send(handler, "", 0, 0);
    }
    (void)zmq_close(handler);
    return NULL;
}

/* The one that binds is the server. */
static void secure_both(world w, fh_sock ours, void *theirs, fh_zmtp_mechanism mechanism, bool bound) {
    int server = 1;
    fh_sock_security s = {.mechanism = mechanism, .server = bound, .username = FH_LIT("user"), .password = FH_LIT("secret")};
    if (mechanism == FH_ZMTP_PLAIN && bound) {
        option(theirs, ZMQ_PLAIN_USERNAME, "user", 4);
        option(theirs, ZMQ_PLAIN_PASSWORD, "secret", 6);
    } else if (mechanism == FH_ZMTP_PLAIN) {
        option(theirs, ZMQ_PLAIN_SERVER, &server, sizeof server);
    } else if (mechanism == FH_ZMTP_CURVE) {
        s.secret_key = (fh_span){keys[bound ? 0 : 2], 32};
        s.public_key = (fh_span){keys[bound ? 1 : 3], 32};
        s.server_key = (fh_span){keys[1], 32};
        option(theirs, ZMQ_CURVE_SECRETKEY, keys[bound ? 2 : 0], 32);
        if (bound) {
            option(theirs, ZMQ_CURVE_SERVERKEY, keys[1], 32);
            option(theirs, ZMQ_CURVE_PUBLICKEY, keys[3], 32);
        } else {
            option(theirs, ZMQ_CURVE_SERVER, &server, sizeof server);
        }
    }
    fh_assert_ok(fh_sock_secure(w.c, ours, &s));
}

static void meet(world w, transport t, bool bound, fh_sock ours, void *theirs) {
    wire_name n = fresh_name(t);
    char name[256];
    size_t size = sizeof name;
    if (bound) {
        n = bind_fresh(w, ours, t);
        assert_int_equal(zmq_connect(theirs, n.text), 0);
    } else {
        assert_int_equal(zmq_bind(theirs, n.text), 0);
        assert_int_equal(zmq_getsockopt(theirs, ZMQ_LAST_ENDPOINT, name, &size), 0);
        connect_to(w, ours, name);
    }
}

/* libzmq attends to its connections only while it is asked something, and so do we. */
static void attend(world w, fh_sock ours, void *theirs) {
    int events = 0;
    size_t size = sizeof events;
    assert_int_equal(zmq_getsockopt(theirs, ZMQ_EVENTS, &events, &size), 0);
    (void)get(w, ours, FH_SOCK_EVENTS);
    fh_os_nap(200000);
}

static void put(fh_message *m, world w, fh_span part) {
    fh_assert_ok(fh_message_push_copy(m, w.a, part));
}

/* From us to them. Who routes puts the identity in front; a DEALER that speaks to REP an empty part. */
static void from_us(world w, const pair_plan *p, fh_sock ours, void *theirs) {
    static uint8_t got[LARGE + 1];
    fh_message m = {0};
    if (p->ours == FH_ZMTP_ROUTER)
        put(&m, w, FH_LIT("theirs"));
    if ((p->ours == FH_ZMTP_ROUTER && p->theirs == ZMQ_REQ) || (p->ours == FH_ZMTP_DEALER && p->theirs == ZMQ_REP))
        put(&m, w, FH_LIT(""));
    put(&m, w, FH_LIT("hello"));
    put(&m, w, FH_LIT(""));
    put(&m, w, (fh_span){large, LARGE});
    fh_assert_ok(fh_sock_send(w.c, ours, &m));
    int front = p->theirs == ZMQ_ROUTER ? 1 : 0;
    front += p->theirs == ZMQ_ROUTER && p->ours == FH_ZMTP_REQ;
    static const int sizes[] = {5, 0, LARGE};
    for (int i = 0; i < front + 3; i++) {
        int more = 0;
        size_t size = sizeof more;
        int n = zmq_recv(theirs, got, sizeof got, 0);
        if (n < 0)
            fail_msg("libzmq: %s, of type %d to %d", zmq_strerror(zmq_errno()), (int)p->ours, p->theirs);
        assert_int_equal(zmq_getsockopt(theirs, ZMQ_RCVMORE, &more, &size), 0);
        assert_int_equal(more, i < front + 2);
        if (i >= front)
            assert_int_equal(n, sizes[i - front]);
        if (i == front + 2)
            assert_memory_equal(got, large, LARGE);
    }
}

static void from_them(world w, const pair_plan *p, fh_sock ours, void *theirs) {
    fh_message m = {0};
    if (p->theirs == ZMQ_ROUTER)
        assert_int_equal(zmq_send(theirs, "ours", 4, ZMQ_SNDMORE), 4);
    if (p->theirs == ZMQ_ROUTER && p->ours == FH_ZMTP_REQ)
        assert_int_equal(zmq_send(theirs, "", 0, ZMQ_SNDMORE), 0);
    assert_int_equal(zmq_send(theirs, "world", 5, ZMQ_SNDMORE), 5);
    assert_int_equal(zmq_send(theirs, large, LARGE, 0), LARGE);
    fh_assert_ok(fh_sock_receive(w.c, ours, &m));
    size_t front = p->ours == FH_ZMTP_ROUTER;
    front += (p->ours == FH_ZMTP_ROUTER && p->theirs == ZMQ_REQ) || (p->ours == FH_ZMTP_DEALER && p->theirs == ZMQ_REP);
    assert_int_equal(fh_message_count(&m), front + 2);
    assert_true(fh_span_equal(fh_message_view(&m, front), FH_LIT("world")));
    assert_true(fh_span_equal(fh_message_view(&m, front + 1), (fh_span){large, LARGE}));
    fh_message_drop(&m, w.a);
}

/* Subscribes; returns when messages come. */
static void tune_in(world w, const pair_plan *p, fh_sock ours, void *theirs) {
    fh_message m = {0};
    char byte = 0;
    if (p->theirs == ZMQ_SUB)
        option(theirs, ZMQ_SUBSCRIBE, "", 0);
    if (p->theirs == ZMQ_XSUB)
        assert_int_equal(zmq_send(theirs, "\1", 1, 0), 1);
    if (p->ours == FH_ZMTP_SUB)
        fh_assert_ok(fh_sock_subscribe(w.c, ours, FH_LIT("")));
    if (p->ours == FH_ZMTP_XSUB)
        tell(w, ours, "\1");
    bool we_publish = p->sends;
    for (bool heard = false; !heard;) { /* a publisher that says something until it is heard */
        if (we_publish) {
            put(&m, w, FH_LIT("?"));
            fh_assert_ok(fh_sock_send(w.c, ours, &m));
        } else {
            assert_int_equal(zmq_send(theirs, "?", 1, 0), 1);
        }
        attend(w, ours, theirs);
        heard = we_publish ? zmq_recv(theirs, &byte, 1, ZMQ_DONTWAIT) == 1 : fh_sock_try_receive(w.c, ours, &m).code == FH_OK;
        fh_message_clear(&m, w.a);
    }
    for (byte = 0; byte != '!';) { /* some of the questions may still come */
        if (byte == 0 && we_publish)
            tell(w, ours, "!");
        else if (byte == 0)
            assert_int_equal(zmq_send(theirs, "!", 1, 0), 1);
        if (we_publish) {
            assert_int_equal(zmq_recv(theirs, &byte, 1, 0), 1);
            continue;
        }
        fh_assert_ok(fh_sock_receive(w.c, ours, &m));
        byte = (char)fh_span_at(fh_message_view(&m, 0), 0);
        fh_message_clear(&m, w.a);
    }
    fh_message_drop(&m, w.a);
}

static void one(world w, void *context, const pair_plan *p, transport t, fh_zmtp_mechanism mechanism, bool bound) {
    int wait = LONG_MS, linger = 0, one = 1;
    void *theirs = zmq_socket(context, p->theirs);
    assert_non_null(theirs);
    option(theirs, ZMQ_RCVTIMEO, &wait, sizeof wait);
    option(theirs, ZMQ_SNDTIMEO, &wait, sizeof wait);
    option(theirs, ZMQ_LINGER, &linger, sizeof linger);
    option(theirs, ZMQ_ROUTING_ID, "theirs", 6);
    if (p->theirs == ZMQ_ROUTER)
        option(theirs, ZMQ_ROUTER_MANDATORY, &one, sizeof one);
    fh_sock ours = open_patient(w, p->ours);
    set(w, ours, FH_SOCK_LINGER, 0);
    fh_assert_ok(fh_sock_identify(w.c, ours, FH_LIT("ours")));
    watch_all(w, ours);
    secure_both(w, ours, theirs, mechanism, bound);
    meet(w, t, bound, ours, theirs);
    fh_sock_event e;
    for (bool up = false; !up;) {
        attend(w, ours, theirs);
        fh_status s = fh_sock_event_next(w.c, ours, &e);
        if (fh_failed(s))
            continue;
        up = e.kind == FH_SOCK_IS_HANDSHAKE_SUCCEEDED;
        fh_sock_event_drop(&e);
    }
    bool tunes = (FH_ZMTP_BIT(PUB) | FH_ZMTP_BIT(SUB) | FH_ZMTP_BIT(XPUB) | FH_ZMTP_BIT(XSUB)) >> p->ours & 1;
    if (tunes)
        tune_in(w, p, ours, theirs);
    bool they_begin = p->ours == FH_ZMTP_REP || p->theirs == ZMQ_REQ;
    for (int round = 0; round < ROUNDS; round++) {
        if (they_begin)
            from_them(w, p, ours, theirs);
        if (p->sends)
            from_us(w, p, ours, theirs);
        if (p->receives && !they_begin)
            from_them(w, p, ours, theirs);
    }
    close_sock(w, ours);
    assert_int_equal(zmq_close(theirs), 0);
}

static void all_plans(void **state, transport t, fh_zmtp_mechanism mechanism) {
    if (mechanism == FH_ZMTP_CURVE && (!fh_box_available() || !zmq_has("curve")))
        fh_test_skip("no CURVE on one of the sides");
    void *context = zmq_ctx_new();
    pthread_t zap;
    void *handler = zmq_socket(context, ZMQ_REP);
    assert_true(handler != NULL && zmq_bind(handler, "inproc://zeromq.zap.01") == 0);
    assert_int_equal(pthread_create(&zap, NULL, let_in, handler), 0);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (uint8_t)(i / 3);
    if (mechanism == FH_ZMTP_CURVE) {
        for (int i = 0; i < 4; i += 2) {
            memset(keys[i], 40 + i, 32);
            fh_box_public((fh_span){keys[i], 32}, (fh_mspan){keys[i + 1], 32});
        }
    }
    world w = world_new(state);
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        for (int bound = 0; bound < 2; bound++)
            one(w, context, &plans[i], t, mechanism, bound != 0);
    world_stop(w);
    assert_int_equal(zmq_ctx_shutdown(context), 0);
    assert_int_equal(pthread_join(zap, NULL), 0);
    assert_int_equal(zmq_ctx_term(context), 0);
}

static void test_tcp(void **state) {
    all_plans(state, TCP, FH_ZMTP_NULL);
}
static void test_ipc(void **state) {
    all_plans(state, IPC, FH_ZMTP_NULL);
}
static void test_abstract(void **state) {
    all_plans(state, ABSTRACT, FH_ZMTP_NULL);
}
static void test_plain(void **state) {
    all_plans(state, TCP, FH_ZMTP_PLAIN);
}
static void test_curve(void **state) {
    all_plans(state, TCP, FH_ZMTP_CURVE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_tcp),   FH_TEST_ALLOC(test_ipc),   FH_TEST_ALLOC(test_abstract),
        FH_TEST_ALLOC(test_plain), FH_TEST_ALLOC(test_curve),
    };
    return run_where_possible("test_conn_libzmq", tests, sizeof tests / sizeof *tests);
}
#endif
