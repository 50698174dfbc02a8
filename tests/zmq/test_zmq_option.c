/* test_zmq_option.c: options of sockets and of contexts: numbers, sizes and values that there are, and those that there are not
 * (zmq_option.c, zmq_context.c). */
#include "zmq_world.h"

static int set_number(void *socket, int option, int value) {
    return zmq_setsockopt(socket, option, &value, sizeof value);
}
static int number_of(void *socket, int option) {
    int value = -1;
    size_t size = sizeof value;
    assert_int_equal(zmq_getsockopt(socket, option, &value, &size), 0);
    assert_int_equal(size, sizeof value);
    return value;
}

static void test_sizes(void **state) {
    world w;
    (void)state;
    int number = 0;
    char text[64];
    size_t size = 3;
    pair_up(&w, ZMQ_PAIR, ZMQ_PAIR, "inproc://x");
    refused(zmq_getsockopt(w.a, ZMQ_TYPE, &number, &size), EINVAL);
    refused(zmq_getsockopt(w.a, ZMQ_TYPE, NULL, &size), EINVAL);
    refused(zmq_getsockopt(w.a, ZMQ_TYPE, &number, NULL), EINVAL);
    size = 10;
    refused(zmq_getsockopt(w.a, ZMQ_LAST_ENDPOINT, text, &size), EINVAL); /* its NUL has no place */
    size = 11;
    assert_int_equal(zmq_getsockopt(w.a, ZMQ_LAST_ENDPOINT, text, &size), 0);
    assert_string_equal(text, "inproc://x");
    refused(zmq_setsockopt(w.a, ZMQ_LINGER, &number, 3), EINVAL);
    refused(zmq_setsockopt(w.a, ZMQ_LINGER, &number, 8), EINVAL);
    refused(zmq_setsockopt(w.a, 1000, &number, sizeof number), EINVAL);
    refused(zmq_setsockopt(w.a, ZMQ_SOCKS_PROXY, "host:1", 6), EINVAL); /* it would be left out in silence */
    refused(zmq_setsockopt(w.a, ZMQ_ROUTING_ID, text, 0), EINVAL);
    refused(zmq_setsockopt(w.a, ZMQ_LINGER, NULL, 4), EINVAL);
    uint64_t wide = UINT64_MAX; /* a number in a larger place has no other bytes beside it */
    size = sizeof wide;
    assert_int_equal(zmq_getsockopt(w.a, ZMQ_BACKLOG, &wide, &size), 0);
    assert_int_equal(size, sizeof(int));
    assert_int_equal(wide, 100);
    end(&w);
}

static void test_values(void **state) {
    (void)state;
    world w;
    pair_up(&w, ZMQ_XPUB, ZMQ_SUB, "inproc://x");
    static const struct {
        int option, value;
    } wrong[] = {{ZMQ_SNDHWM, -1}, {ZMQ_LINGER, -2}, {ZMQ_IMMEDIATE, 2}, {ZMQ_RATE, 0}, {ZMQ_TCP_KEEPALIVE, 2}, {ZMQ_USE_FD, 3},
                 {ZMQ_MULTICAST_MAXTPDU, 0}, {ZMQ_HEARTBEAT_TTL, 6553600}, {ZMQ_PLAIN_SERVER, 2}, {ZMQ_CURVE_SERVER, -1},
                 {ZMQ_IPV4ONLY, 2}, {ZMQ_ROUTER_MANDATORY, 1}, {ZMQ_REQ_RELAXED, 1}, {ZMQ_TYPE, 1}, {-1, 0}, {INT32_MAX, 0}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        refused(set_number(w.a, wrong[i].option, wrong[i].value), EINVAL);
    assert_int_equal(number_of(w.a, ZMQ_RATE), 100);
    assert_int_equal(set_number(w.a, ZMQ_RATE, 7), 0);
    assert_int_equal(number_of(w.a, ZMQ_RATE), 7);
    assert_int_equal(set_number(w.a, ZMQ_HEARTBEAT_TTL, 199), 0);
    assert_int_equal(number_of(w.a, ZMQ_HEARTBEAT_TTL), 100);
    assert_int_equal(set_number(w.a, ZMQ_IPV4ONLY, 0), 0);
    assert_int_equal(number_of(w.a, ZMQ_IPV6), 1);
    assert_int_equal(set_number(w.a, ZMQ_SNDHWM, INT32_MAX), 0); /* as many as there may be */
    assert_int_equal(number_of(w.a, ZMQ_SNDHWM), INT32_MAX);
    void *router = socket_of(w.context, ZMQ_ROUTER);
    int value = 0;
    size_t size = sizeof value;
    assert_int_equal(set_number(router, ZMQ_ROUTER_MANDATORY, 5), 0); /* of these any number is true */
    refused(zmq_getsockopt(router, ZMQ_ROUTER_MANDATORY, &value, &size), EINVAL);
    refused(zmq_setsockopt(router, ZMQ_SUBSCRIBE, "x", 1), EINVAL);
    refused(zmq_getsockopt(router, ZMQ_SUBSCRIBE, &value, &size), EINVAL);
    assert_int_equal(zmq_setsockopt(w.b, ZMQ_UNSUBSCRIBE, "never", 5), 0);
    assert_int_equal(zmq_close(router), 0);
    end(&w);
}

/* Names, passwords and keys; a socket shows what it was told. */
static void test_texts(void **state) {
    (void)state;
    world w;
    static const char long_text[300] = {'n'};
    char text[300], key[41];
    size_t size = sizeof text;
    pair_up(&w, ZMQ_PAIR, ZMQ_PAIR, "inproc://x");
    refused(zmq_setsockopt(w.a, ZMQ_PLAIN_USERNAME, long_text, 256), EINVAL);
    refused(zmq_setsockopt(w.a, ZMQ_PLAIN_PASSWORD, long_text, 300), EINVAL);
    refused(zmq_setsockopt(w.a, ZMQ_ZAP_DOMAIN, long_text, 256), EINVAL);
    refused(zmq_setsockopt(w.a, ZMQ_ROUTING_ID, long_text, 256), EINVAL);
    assert_int_equal(number_of(w.a, ZMQ_MECHANISM), ZMQ_NULL);
    assert_int_equal(zmq_setsockopt(w.a, ZMQ_PLAIN_USERNAME, long_text, 255), 0);
    assert_int_equal(number_of(w.a, ZMQ_MECHANISM), ZMQ_PLAIN);
    assert_int_equal(zmq_getsockopt(w.a, ZMQ_PLAIN_USERNAME, text, &size), 0);
    assert_int_equal(size, 256);
    refused(zmq_setsockopt(w.a, ZMQ_PLAIN_SERVER, "x", 1), EINVAL);
    assert_int_equal(set_number(w.a, ZMQ_PLAIN_SERVER, 1), 0);
    assert_int_equal(number_of(w.a, ZMQ_PLAIN_SERVER), 1);
    assert_int_equal(zmq_setsockopt(w.a, ZMQ_PLAIN_USERNAME, NULL, 0), 0); /* none: no security at all */
    assert_int_equal(number_of(w.a, ZMQ_MECHANISM), ZMQ_NULL);
    if (zmq_has("curve")) {
        static const char name[] = "HelloWorldHelloWorldHelloWorldHelloWorld";
        refused(zmq_setsockopt(w.a, ZMQ_CURVE_SERVERKEY, name, 39), EINVAL);
        refused(zmq_setsockopt(w.a, ZMQ_CURVE_SERVERKEY, name, 31), EINVAL);
        refused(zmq_setsockopt(w.a, ZMQ_CURVE_SERVERKEY, "HelloWorldHelloWorldHelloWorldHello orld", 40), EINVAL);
        assert_int_equal(zmq_setsockopt(w.a, ZMQ_CURVE_SERVERKEY, name, 41), 0);
        for (size_t wrong = 0; wrong <= sizeof text; wrong++)
            if (wrong != 32 && wrong != 41) {
                size = wrong;
                refused(zmq_getsockopt(w.a, ZMQ_CURVE_SERVERKEY, text, &size), EINVAL);
            }
        size = sizeof key;
        assert_int_equal(zmq_getsockopt(w.a, ZMQ_CURVE_SERVERKEY, key, &size), 0);
        assert_string_equal(key, name);
    }
    end(&w);
}

/* A ROUTER knows who is there, and who has room. */
static void test_peer_state(void **state) {
    (void)state;
    world w;
    int one = 1;
    pair_up(&w, ZMQ_ROUTER, ZMQ_DEALER, "inproc://x");
    void *dealer = socket_of(w.context, ZMQ_DEALER);
    refused(zmq_socket_get_peer_state(NULL, "d", 1), ENOTSOCK);
    refused(zmq_socket_get_peer_state(dealer, "d", 1), ENOTSUP);
    void *stream = socket_of(w.context, ZMQ_STREAM);
    refused(zmq_socket_get_peer_state(stream, "d", 1), ENOTSUP);
    assert_int_equal(zmq_close(stream), 0);
    refused(zmq_socket_get_peer_state(w.a, NULL, 1), EINVAL);
    refused(zmq_socket_get_peer_state(w.a, "d", 1), EHOSTUNREACH);
    assert_int_equal(zmq_setsockopt(w.a, ZMQ_SNDHWM, &one, sizeof one), 0);
    assert_int_equal(zmq_setsockopt(dealer, ZMQ_RCVHWM, &one, sizeof one), 0);
    assert_int_equal(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "d", 1), 0);
    assert_int_equal(zmq_bind(w.a, "inproc://y"), 0);
    assert_int_equal(zmq_connect(dealer, "inproc://y"), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(zmq_socket_get_peer_state(w.a, "d", 1), ZMQ_POLLOUT);
        assert_int_equal(zmq_send(w.a, "d", 1, ZMQ_SNDMORE), 1);
        assert_int_equal(zmq_send(w.a, "x", 1, 0), 1);
    }
    assert_int_equal(zmq_socket_get_peer_state(w.a, "d", 1), 0);
    assert_int_equal(zmq_close(dealer), 0);
    refused(zmq_socket_get_peer_state(w.a, "d", 1), EHOSTUNREACH);
    end(&w);
}

static void test_contexts(void **state) {
    (void)state;
    void *context = zmq_ctx_new();
    int value = 0;
    size_t size = sizeof value;
    refused(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 0), EINVAL);
    refused(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 65536), EINVAL);
    refused(zmq_ctx_set(context, ZMQ_IO_THREADS, -1), EINVAL);
    refused(zmq_ctx_set(context, ZMQ_THREAD_PRIORITY, -1), EINVAL);
    refused(zmq_ctx_set(context, ZMQ_THREAD_AFFINITY_CPU_ADD, -1), EINVAL);
    refused(zmq_ctx_set(context, 1000, 1), EINVAL);
    refused(zmq_ctx_get(context, 1000), EINVAL);
    refused(zmq_ctx_set(NULL, ZMQ_IO_THREADS, 1), EFAULT);
    refused(zmq_ctx_get(NULL, ZMQ_IO_THREADS), EFAULT);
    refused(zmq_ctx_set_ext(context, ZMQ_IO_THREADS, NULL, sizeof value), EINVAL);
    refused(zmq_ctx_set_ext(context, ZMQ_IO_THREADS, &value, 3), EINVAL);
    refused(zmq_ctx_get_ext(context, ZMQ_IO_THREADS, NULL, &size), EINVAL);
    refused(zmq_ctx_get_ext(context, ZMQ_IO_THREADS, &value, NULL), EINVAL);
    size = 3;
    refused(zmq_ctx_get_ext(context, ZMQ_IO_THREADS, &value, &size), EINVAL);
    refused_null(zmq_init(-1), EINVAL);
    assert_int_equal(zmq_ctx_get(context, ZMQ_IO_THREADS), ZMQ_IO_THREADS_DFLT);
    value = 3;
    assert_int_equal(zmq_ctx_set_ext(context, ZMQ_IO_THREADS, &value, sizeof value), 0);
    size = sizeof value;
    value = 0;
    assert_int_equal(zmq_ctx_get_ext(context, ZMQ_IO_THREADS, &value, &size), 0);
    assert_int_equal(value, 3);
    assert_int_equal(zmq_ctx_term(context), 0);
}

static void forget(void *arg) {
    void **all = arg;
    _exit(zmq_close(all[0]) == 0 && zmq_close(all[1]) == 0 && zmq_ctx_term(all[2]) == 0 ? 0 : 1);
}

/* Over so many I/O threads: messages there and back, of sockets that may be with some of them only. A child has none of them,
 * and takes nothing from its parent. */
static void talk_over(int io_threads, uint64_t affinity) {
    void *context = zmq_ctx_new(), *rep, *req;
    char name[64], got[8];
    size_t size = sizeof name;
    assert_int_equal(zmq_ctx_set(context, ZMQ_IO_THREADS, io_threads), 0);
    assert_int_equal(zmq_ctx_get(context, ZMQ_IO_THREADS), io_threads); /* as it was set, also above what there is */
    rep = socket_of(context, ZMQ_REP);
    req = socket_of(context, ZMQ_REQ);
    assert_int_equal(zmq_setsockopt(rep, ZMQ_AFFINITY, &affinity, sizeof affinity), 0);
    assert_int_equal(zmq_bind(rep, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(rep, ZMQ_LAST_ENDPOINT, name, &size), 0);
    assert_int_equal(zmq_connect(req, name), 0);
    for (int i = 0; i < 20; i++) {
        void *all[3] = {rep, req, context};
        char said[200];
        if (i == 10)
            assert_int_equal(fh_test_child(forget, all, said, sizeof said), 0);
        assert_int_equal(zmq_send(req, "there", 5, 0), 5);
        assert_int_equal(zmq_recv(rep, got, sizeof got, 0), 5);
        assert_int_equal(zmq_send(rep, "back", 4, 0), 4);
        assert_int_equal(zmq_recv(req, got, sizeof got, 0), 4);
    }
    assert_int_equal(zmq_close(req), 0);
    assert_int_equal(zmq_close(rep), 0);
    assert_int_equal(zmq_ctx_term(context), 0);
}

/* How many there are is said before the first socket; none is for inproc only. */
static void test_io_threads(void **state) {
    (void)state;
    talk_over(1, 0);
    talk_over(4, 0);
    talk_over(4, 1 << 2 | UINT64_C(1) << 40);
    talk_over(100, 1 << 15); /* 16 are all there are */
    for (int io_threads = 0; io_threads < 3; io_threads += 2) {
        void *context = zmq_init(io_threads), *pull = socket_of(context, ZMQ_PULL), *push = socket_of(context, ZMQ_PUSH);
        uint64_t nobody = 1 << 2;
        char got[8];
        size_t size = sizeof nobody;
        assert_int_equal(zmq_ctx_set(context, ZMQ_IO_THREADS, 4), 0); /* too late */
        if (io_threads != 0)
            assert_int_equal(zmq_setsockopt(pull, ZMQ_AFFINITY, &nobody, sizeof nobody), 0);
        refused(zmq_bind(pull, "tcp://127.0.0.1:*"), EMTHREAD);
        refused(zmq_connect(pull, "ipc://@freehold-test-nobody"), EMTHREAD);
        refused(zmq_bind(pull, "nothing://x"), EPROTONOSUPPORT);
        assert_int_equal(zmq_bind(pull, "inproc://x"), 0);
        assert_int_equal(zmq_connect(push, "inproc://x"), 0);
        assert_int_equal(zmq_send(push, "there", 5, 0), 5);
        assert_int_equal(zmq_recv(pull, got, sizeof got, 0), 5);
        assert_int_equal(zmq_getsockopt(pull, ZMQ_AFFINITY, &nobody, &size), 0);
        assert_int_equal(nobody, io_threads != 0 ? 1 << 2 : 0);
        assert_int_equal(zmq_close(push), 0);
        assert_int_equal(zmq_close(pull), 0);
        assert_int_equal(zmq_ctx_term(context), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_ZMQ_TEST(test_sizes), FH_ZMQ_TEST(test_values), FH_ZMQ_TEST(test_texts),
                                       FH_ZMQ_TEST(test_peer_state), FH_ZMQ_TEST(test_contexts), FH_ZMQ_TEST(test_io_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
