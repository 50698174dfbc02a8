/* test_zmtp_libzmq.c: sessions against the installed libzmq, over TCP: kinds of sockets, who connects, each mechanism. What one
 * side sends the other side receives, byte for byte. Skipped, with the reason, where the tests were built without libzmq.
 *
 * The test has a loop of its own over one descriptor; it waits for things and not for times, up to a minute each.
 *
 * tidy: exempt mirror: it looks at the whole protocol through the eyes of another program */
#include "zmtp_wire_peer.h"

#ifndef FH_TEST_LIBZMQ
int main(void) {
    printf("skipped: the tests were built without libzmq\n");
    return 77;
}
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <zmq.h>

#include "proto/box.h"
#include "libzmq_zap.h"

enum { WAIT_MS = 60000, STEP_MS = 20, LARGE = 100000 };

typedef struct keys {
    uint8_t server_secret[32], server_public[32], client_secret[32], client_public[32];
} keys;

static fh_test_rng rng;

static void draw(void *ctx, fh_mspan out) {
    (void)ctx;
    for (size_t i = 0; i < out.size; i++)
        *fh_mspan_at(out, i) = (uint8_t)fh_test_rng_next(&rng);
}

static const keys *some_keys(void) {
    static keys k;
    draw(NULL, (fh_mspan){k.server_secret, 32});
    draw(NULL, (fh_mspan){k.client_secret, 32});
    fh_box_public((fh_span){k.server_secret, 32}, (fh_mspan){k.server_public, 32});
    fh_box_public((fh_span){k.client_secret, 32}, (fh_mspan){k.client_public, 32});
    return &k;
}

/* --- one connection ---------------------------------------------------------------------------------------------------- */

typedef struct meeting {
    fh_page_source *pages;
    end ours;
    void *theirs;
    int fd;
} meeting;

typedef struct plan {
    fh_zmtp_socket ours;
    int theirs; /* the same numbers */
    bool sends, receives;
    bool envelope; /* an empty part first, which REQ and REP put and take away */
} plan;

static int connect_to(void *theirs) {
    char name[256];
    size_t size = sizeof name;
    int port = 0;
    assert_int_equal(zmq_bind(theirs, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(theirs, ZMQ_LAST_ENDPOINT, name, &size), 0);
    assert_int_equal(sscanf(name, "tcp://127.0.0.1:%d", &port), 1);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

static int accept_from(void *theirs) {
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    char name[64];
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(listener >= 0 && bind(listener, (const struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 1) == 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
    (void)snprintf(name, sizeof name, "tcp://127.0.0.1:%d", ntohs(at.sin_port));
    assert_int_equal(zmq_connect(theirs, name), 0);
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    close(listener);
    return fd;
}

static void write_out(meeting *m) {
    for (size_t at = 0; at < m->ours.out.size;) {
        ssize_t n = send(m->fd, m->ours.out.at + at, m->ours.out.size - at, MSG_NOSIGNAL);
        assert_true(n > 0);
        at += (size_t)n;
    }
    fh_buf_truncate(&m->ours.out, 0);
}

/* Goes on until what our side said contains `text`. libzmq's socket attends to its connections only while it is asked
 * something. */
static void until(meeting *m, fh_span text) {
    static uint8_t bytes[65536];
    for (int waited = 0; fh_span_find(fh_buf_view(&m->ours.said), text, 0) == SIZE_MAX;) {
        int events = 0;
        size_t size = sizeof events;
        take_out(&m->ours);
        write_out(m);
        assert_int_equal(zmq_getsockopt(m->theirs, ZMQ_EVENTS, &events, &size), 0);
        struct pollfd p = {.fd = m->fd, .events = POLLIN};
        if (poll(&p, 1, STEP_MS) == 0) {
            waited += STEP_MS;
            if (waited >= WAIT_MS)
                fail_msg("nothing came; so far: %.*s", FH_SPAN_FMT(fh_buf_view(&m->ours.said)));
            continue;
        }
        ssize_t n = recv(m->fd, bytes, sizeof bytes, 0);
        if (n <= 0)
            fail_msg("the connection ended; so far: %.*s", FH_SPAN_FMT(fh_buf_view(&m->ours.said)));
        hear(&m->ours, (fh_span){bytes, (size_t)n});
    }
    write_out(m);
}

static void set_option(void *socket, int option, const void *value, size_t size) {
    if (zmq_setsockopt(socket, option, value, size) != 0)
        fail_msg("option %d: %s", option, zmq_strerror(zmq_errno()));
}

/* The options of both for a mechanism; the side that binds is its server. */
static fh_zmtp_options arrange(void *theirs, const keys *k, fh_zmtp_mechanism mechanism, bool bound) {
    fh_zmtp_options o = {.mechanism = mechanism, .bound = bound, .server = bound, .random = draw};
    int server = !bound, wait = WAIT_MS, linger = 0;
    set_option(theirs, ZMQ_RCVTIMEO, &wait, sizeof wait);
    set_option(theirs, ZMQ_LINGER, &linger, sizeof linger);
    if (mechanism == FH_ZMTP_PLAIN) {
        o.username = FH_LIT("user");
        o.password = FH_LIT("secret");
        if (server != 0)
            set_option(theirs, ZMQ_PLAIN_SERVER, &server, sizeof server);
        else
            set_option(theirs, ZMQ_PLAIN_USERNAME, "user", 4);
        if (server == 0)
            set_option(theirs, ZMQ_PLAIN_PASSWORD, "secret", 6);
    } else if (mechanism == FH_ZMTP_CURVE) {
        o.public_key = (fh_span){bound ? k->server_public : k->client_public, 32};
        o.secret_key = (fh_span){bound ? k->server_secret : k->client_secret, 32};
        o.server_key = (fh_span){k->server_public, 32};
        if (server != 0) {
            set_option(theirs, ZMQ_CURVE_SERVER, &server, sizeof server);
            set_option(theirs, ZMQ_CURVE_SECRETKEY, k->server_secret, 32);
        } else {
            set_option(theirs, ZMQ_CURVE_SERVERKEY, k->server_public, 32);
            set_option(theirs, ZMQ_CURVE_PUBLICKEY, k->client_public, 32);
            set_option(theirs, ZMQ_CURVE_SECRETKEY, k->client_secret, 32);
        }
    }
    return o;
}

static void receive(void *theirs, fh_span expected, bool more) {
    static uint8_t bytes[LARGE + 1];
    int flag = 0;
    size_t size = sizeof flag;
    int got = zmq_recv(theirs, bytes, sizeof bytes, 0);
    if (got < 0)
        fail_msg("libzmq: %s, while %.*s is waited for", zmq_strerror(zmq_errno()), FH_SPAN_FMT(expected));
    assert_true(fh_span_equal((fh_span){bytes, (size_t)got}, expected));
    assert_int_equal(zmq_getsockopt(theirs, ZMQ_RCVMORE, &flag, &size), 0);
    assert_int_equal(flag, more);
}

static void give(meeting *m, fh_span text, bool more) {
    fh_bytes body;
    fh_assert_ok(fh_bytes_copy(fh_heap(), text, &body));
    fh_assert_ok(fh_zmtp_send(m->ours.z, &body, more));
}

/* We send, they receive. */
static void from_us(meeting *m, const plan *p, fh_span large) {
    if (p->envelope)
        give(m, FH_LIT(""), true);
    give(m, FH_LIT("hello"), true);
    give(m, FH_LIT(""), true);
    give(m, large, false);
    take_out(&m->ours);
    write_out(m);
    receive(m->theirs, FH_LIT("hello"), true);
    receive(m->theirs, FH_LIT(""), true);
    receive(m->theirs, large, false);
}

/* They send, we receive. */
static void from_them(meeting *m, const plan *p, fh_span large) {
    fh_buf expected;
    fh_buf_init(&expected, fh_heap(), 0);
    put_text(&expected, p->envelope ? "part+ \npart+ world\npart " : "part+ world\npart ");
    say_bytes(&expected, large);
    put_text(&expected, "\n");
    assert_int_equal(zmq_send(m->theirs, "world", 5, ZMQ_SNDMORE), 5);
    assert_int_equal(zmq_send(m->theirs, large.at, large.size, 0), large.size);
    until(m, fh_buf_view(&expected));
    fh_buf_deinit(&expected);
}

static void meet(void **state, void *context, const plan *p, fh_zmtp_mechanism mechanism, bool bound) {
    static uint8_t large[LARGE];
    meeting m = {NULL, {0}, NULL, -1};
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(i / 3);
    m.theirs = zmq_socket(context, p->theirs);
    assert_non_null(m.theirs);
    fh_zmtp_options o = arrange(m.theirs, some_keys(), mechanism, bound);
    o.socket = p->ours;
    o.identity = FH_LIT("ours");
    if (p->theirs == ZMQ_SUB)
        set_option(m.theirs, ZMQ_SUBSCRIBE, "", 0);
    fh_assert_ok(fh_page_source_new(fh_test_allocator(state), NULL, &m.pages));
    m.fd = bound ? accept_from(m.theirs) : connect_to(m.theirs);
    m.ours = end_new(fh_test_allocator(state), m.pages, o);
    until(&m, FH_LIT("connected 3.1 "));
    if (p->theirs == ZMQ_SUB || p->theirs == ZMQ_XSUB)
        until(&m, FH_LIT("subscribe \n"));
    if (p->theirs == ZMQ_XPUB) { /* it tells that the subscription is there, so that nothing is lost */
        fh_assert_ok(fh_zmtp_subscribe(m.ours.z, FH_LIT("wor")));
        take_out(&m.ours);
        write_out(&m);
        receive(m.theirs, FH_LIT("\1wor"), false);
    }
    bool they_begin = p->theirs == ZMQ_REQ;
    if (p->receives && they_begin)
        from_them(&m, p, (fh_span){large, sizeof large});
    if (p->sends)
        from_us(&m, p, (fh_span){large, sizeof large});
    if (p->receives && !they_begin)
        from_them(&m, p, (fh_span){large, sizeof large});
    close(m.fd);
    assert_int_equal(zmq_close(m.theirs), 0);
    end_free(&m.ours);
    fh_page_source_free(m.pages);
}

static const plan plans[] = {
    {FH_ZMTP_PAIR, ZMQ_PAIR, true, true, false},    {FH_ZMTP_DEALER, ZMQ_DEALER, true, true, false},
    {FH_ZMTP_PUSH, ZMQ_PULL, true, false, false},   {FH_ZMTP_PULL, ZMQ_PUSH, false, true, false},
    {FH_ZMTP_REQ, ZMQ_REP, true, true, true},       {FH_ZMTP_REP, ZMQ_REQ, true, true, true},
    {FH_ZMTP_ROUTER, ZMQ_DEALER, true, true, false}, {FH_ZMTP_PUB, ZMQ_SUB, true, false, false},
    {FH_ZMTP_SUB, ZMQ_XPUB, false, true, false},    {FH_ZMTP_ROUTER, ZMQ_REQ, true, true, true},
    {FH_ZMTP_DEALER, ZMQ_REP, true, true, true},
};

static void all_plans(void **state, fh_zmtp_mechanism mechanism) {
    void *context = zmq_ctx_new();
    pthread_t zap;
    if (mechanism == FH_ZMTP_CURVE && (!fh_box_available() || !zmq_has("curve"))) {
        (void)zmq_ctx_term(context);
        fh_test_skip("no CURVE on one of the sides");
    }
    void *handler = zmq_socket(context, ZMQ_REP);
    assert_true(handler != NULL && zmq_bind(handler, "inproc://zeromq.zap.01") == 0);
    assert_int_equal(pthread_create(&zap, NULL, let_in, handler), 0);
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        for (int bound = 0; bound < 2; bound++)
            meet(state, context, &plans[i], mechanism, bound != 0);
    assert_int_equal(zmq_ctx_shutdown(context), 0);
    assert_int_equal(pthread_join(zap, NULL), 0);
    assert_int_equal(zmq_ctx_term(context), 0);
}

static void test_null(void **state) {
    all_plans(state, FH_ZMTP_NULL);
}
static void test_plain(void **state) {
    all_plans(state, FH_ZMTP_PLAIN);
}
static void test_curve(void **state) {
    all_plans(state, FH_ZMTP_CURVE);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_null), FH_TEST_ALLOC(test_plain), FH_TEST_ALLOC(test_curve)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
