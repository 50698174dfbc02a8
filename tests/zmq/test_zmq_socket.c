/* test_zmq_socket.c: libzmq.so.5 as a program in C sees it: calls by the documented interface alone, and what happens to those
 * who misuse it: an error, each time. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <setjmp.h>

#include <cmocka.h>

#include <zmq.h>

#define refused(call, number)                     \
    do {                                          \
        errno = 0;                                \
        assert_true((call) == -1);                \
        assert_int_equal(zmq_errno(), (number));  \
    } while (0)

typedef struct world {
    void *context, *a, *b;
    char endpoint[64];
} world;

static void pair_up(world *w, int bound, int connected, const char *endpoint) {
    size_t size = sizeof w->endpoint;
    w->context = zmq_ctx_new();
    w->a = zmq_socket(w->context, bound);
    w->b = zmq_socket(w->context, connected);
    assert_non_null(w->a);
    assert_non_null(w->b);
    assert_int_equal(zmq_bind(w->a, endpoint), 0);
    assert_int_equal(zmq_getsockopt(w->a, ZMQ_LAST_ENDPOINT, w->endpoint, &size), 0);
    assert_int_equal(zmq_connect(w->b, w->endpoint), 0);
}

static void end(world *w) {
    assert_int_equal(zmq_close(w->a), 0);
    assert_int_equal(zmq_close(w->b), 0);
    assert_int_equal(zmq_ctx_term(w->context), 0);
}

static const char *const endpoints[] = {"inproc://x", "tcp://127.0.0.1:*", "ipc://@freehold-test-zmq"};
enum { ENDPOINTS = sizeof endpoints / sizeof endpoints[0] };

/* --- handles -------------------------------------------------------------------------------------------------------------- */

static void test_stale(void **state) {
    world w;
    (void)state;
    char text[8];
    int number = 0;
    size_t size = sizeof number;
    pair_up(&w, ZMQ_PAIR, ZMQ_PAIR, "inproc://x");
    void *gone = w.b;
    assert_int_equal(zmq_close(gone), 0);
    w.b = zmq_socket(w.context, ZMQ_PAIR); /* has the place of the one before, and another number */
    refused(zmq_close(gone), ENOTSOCK);
    refused(zmq_send(gone, "x", 1, 0), ENOTSOCK);
    refused(zmq_recv(gone, text, sizeof text, 0), ENOTSOCK);
    refused(zmq_bind(gone, "inproc://y"), ENOTSOCK);
    refused(zmq_connect(gone, "inproc://y"), ENOTSOCK);
    refused(zmq_getsockopt(gone, ZMQ_TYPE, &number, &size), ENOTSOCK);
    refused(zmq_setsockopt(gone, ZMQ_LINGER, &number, sizeof number), ENOTSOCK);
    zmq_pollitem_t item = {gone, -1, ZMQ_POLLIN, 0};
    refused(zmq_poll(&item, 1, 0), ENOTSOCK);
    void *context = w.context;
    end(&w);
    refused(zmq_ctx_term(context), EFAULT);
    refused(zmq_ctx_set(context, ZMQ_IO_THREADS, 1), EFAULT);
    assert_null(zmq_socket(context, ZMQ_PAIR));
    assert_int_equal(zmq_errno(), EFAULT);
}

/* Numbers that never were a handle, and handles of something else. */
static void test_no_handle(void **state) {
    (void)state;
    uint64_t number = 88172645463325252;
    for (int i = 0; i < 10000; i++) {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        refused(zmq_close((void *)(uintptr_t)(number >> number % 64)), ENOTSOCK);
    }
    void *context = zmq_ctx_new(), *timers = zmq_timers_new();
    refused(zmq_close(context), ENOTSOCK);
    refused(zmq_ctx_term(timers), EFAULT);
    refused(zmq_timers_execute(context), EFAULT);
    assert_int_equal(zmq_timers_destroy(&timers), 0);
    assert_null(timers);
    assert_int_equal(zmq_ctx_term(context), 0);
}

static void test_null(void **state) {
    world w;
    (void)state;
    zmq_msg_t msg;
    size_t size = 4;
    pair_up(&w, ZMQ_PAIR, ZMQ_PAIR, "inproc://x");
    refused(zmq_ctx_term(NULL), EFAULT);
    refused(zmq_close(NULL), ENOTSOCK);
    refused(zmq_bind(w.a, NULL), EINVAL);
    refused(zmq_connect(w.a, NULL), EINVAL);
    refused(zmq_unbind(w.a, NULL), EINVAL);
    refused(zmq_send(w.a, NULL, 4, 0), EFAULT);
    refused(zmq_recv(w.a, NULL, 4, 0), EFAULT);
    refused(zmq_msg_init(NULL), EFAULT);
    refused(zmq_msg_close(NULL), EFAULT);
    refused(zmq_msg_send(NULL, w.a, 0), EFAULT);
    refused(zmq_msg_recv(NULL, w.a, 0), EFAULT);
    refused(zmq_getsockopt(w.a, ZMQ_TYPE, NULL, &size), EINVAL);
    refused(zmq_getsockopt(w.a, ZMQ_TYPE, &msg, NULL), EINVAL);
    refused(zmq_setsockopt(w.a, ZMQ_LINGER, NULL, 4), EINVAL);
    refused(zmq_poll(NULL, 1, 0), EFAULT);
    refused(zmq_poll(NULL, -1, 0), EINVAL);
    refused(zmq_proxy(NULL, w.b, NULL), EFAULT);
    refused(zmq_curve_keypair(NULL, NULL), EFAULT);
    assert_null(zmq_z85_decode(NULL, "00000"));
    end(&w);
}

/* --- frames --------------------------------------------------------------------------------------------------------------- */

static int released;

static void release(void *data, void *hint) {
    assert_ptr_equal(data, hint);
    released++;
}

static void test_frames(void **state) {
    (void)state;
    static char bytes[100];
    zmq_msg_t one, two;
    memset(&one, 0xa5, sizeof one); /* never made */
    refused(zmq_msg_close(&one), EFAULT);
    assert_null(zmq_msg_data(&one));
    assert_int_equal(zmq_msg_init_size(&one, 1000), 0);
    memset(zmq_msg_data(&one), 7, 1000);
    assert_int_equal(zmq_msg_size(&one), 1000);
    assert_int_equal(zmq_msg_get(&one, ZMQ_SHARED), 0);
    assert_int_equal(zmq_msg_init(&two), 0);
    assert_int_equal(zmq_msg_copy(&two, &one), 0);
    assert_int_equal(zmq_msg_get(&two, ZMQ_SHARED), 1);
    assert_int_equal(zmq_msg_close(&one), 0);
    refused(zmq_msg_close(&one), EFAULT);
    assert_int_equal(((const char *)zmq_msg_data(&two))[999], 7);
    released = 0;
    assert_int_equal(zmq_msg_init_data(&one, bytes, sizeof bytes, release, bytes), 0);
    assert_int_equal(zmq_msg_move(&two, &one), 0);
    assert_int_equal(zmq_msg_size(&one), 0);
    assert_int_equal(zmq_msg_copy(&one, &two), 0);
    assert_int_equal(zmq_msg_close(&two), 0);
    assert_int_equal(released, 0);
    assert_int_equal(zmq_msg_close(&one), 0);
    assert_int_equal(released, 1);
}

/* --- messages ------------------------------------------------------------------------------------------------------------- */

static void test_request(void **state) {
    (void)state;
    for (int i = 0; i < ENDPOINTS; i++) {
        world w;
        char text[8] = {0};
        int more = 0;
        size_t size = sizeof more;
        pair_up(&w, ZMQ_REP, ZMQ_REQ, endpoints[i]);
        refused(zmq_recv(w.b, text, sizeof text, 0), EFSM);
        refused(zmq_send(w.a, "x", 1, 0), EFSM);
        assert_int_equal(zmq_send(w.b, "one", 3, ZMQ_SNDMORE), 3);
        assert_int_equal(zmq_send(w.b, "two and more", 12, 0), 12);
        refused(zmq_send(w.b, "x", 1, 0), EFSM);
        assert_int_equal(zmq_recv(w.a, text, sizeof text, 0), 3);
        assert_int_equal(zmq_getsockopt(w.a, ZMQ_RCVMORE, &more, &size), 0);
        assert_int_equal(more, 1);
        assert_int_equal(zmq_recv(w.a, text, sizeof text, 0), 12); /* cut, and its size told */
        assert_memory_equal(text, "two and ", 8);
        assert_int_equal(zmq_getsockopt(w.a, ZMQ_RCVMORE, &more, &size), 0);
        assert_int_equal(more, 0);
        assert_int_equal(zmq_send_const(w.a, "", 0, 0), 0);
        assert_int_equal(zmq_recv(w.b, text, sizeof text, 0), 0);
        refused(zmq_recv(w.a, text, sizeof text, ZMQ_DONTWAIT), EAGAIN);
        end(&w);
    }
}

/* A message that does not fit is refused with its first part. */
static void test_full(void **state) {
    world w;
    (void)state;
    int one = 1;
    w.context = zmq_ctx_new();
    w.a = zmq_socket(w.context, ZMQ_PUSH);
    w.b = zmq_socket(w.context, ZMQ_PULL);
    assert_int_equal(zmq_setsockopt(w.a, ZMQ_SNDHWM, &one, sizeof one), 0);
    assert_int_equal(zmq_setsockopt(w.b, ZMQ_RCVHWM, &one, sizeof one), 0);
    refused(zmq_send(w.a, "x", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    assert_int_equal(zmq_bind(w.a, "inproc://x"), 0);
    assert_int_equal(zmq_connect(w.b, "inproc://x"), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(zmq_send(w.a, "x", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), 1);
        assert_int_equal(zmq_send(w.a, "y", 1, ZMQ_DONTWAIT), 1);
    }
    refused(zmq_send(w.a, "x", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    assert_int_equal(zmq_setsockopt(w.a, ZMQ_SNDTIMEO, &one, sizeof one), 0);
    refused(zmq_send(w.a, "x", 1, ZMQ_SNDMORE), EAGAIN);
    end(&w);
}

/* What was sent before the close arrives, however soon the context ends. */
static void test_linger(void **state) {
    world w;
    (void)state;
    char text[8];
    void *other = zmq_ctx_new(), *pull = zmq_socket(other, ZMQ_PULL);
    size_t size = sizeof w.endpoint;
    assert_int_equal(zmq_bind(pull, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, w.endpoint, &size), 0);
    void *context = zmq_ctx_new(), *push = zmq_socket(context, ZMQ_PUSH);
    assert_int_equal(zmq_connect(push, w.endpoint), 0);
    assert_int_equal(zmq_send(push, "late", 4, 0), 4);
    assert_int_equal(zmq_ctx_shutdown(context), 0);
    refused(zmq_send(push, "late", 4, 0), ETERM);
    assert_int_equal(zmq_close(push), 0);
    assert_int_equal(zmq_ctx_term(context), 0);
    assert_int_equal(zmq_recv(pull, text, sizeof text, 0), 4);
    assert_int_equal(zmq_close(pull), 0);
    assert_int_equal(zmq_ctx_term(other), 0);
}

static void *wait_for_message(void *socket) {
    char text[8];
    int result = zmq_recv(socket, text, sizeof text, 0), number = zmq_errno();
    assert_int_equal(zmq_close(socket), 0);
    return (void *)(intptr_t)(result == -1 ? number : 0);
}

static void test_terminate(void **state) {
    (void)state;
    pthread_t thread;
    void *result, *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_PULL);
    assert_int_equal(zmq_bind(socket, "inproc://x"), 0);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_message, socket), 0);
    assert_int_equal(zmq_ctx_term(context), 0); /* comes back when the thread has closed its socket */
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal((intptr_t)result, ETERM);
}

static void on_signal(int number) {
    (void)number;
}

static void *wait_and_say(void *socket) {
    char text[8];
    return (void *)(intptr_t)(zmq_recv(socket, text, sizeof text, 0) == -1 ? zmq_errno() : 0);
}

/* A signal ends a wait, whenever it comes: it is sent until it has. */
static void test_interrupt(void **state) {
    world w;
    (void)state;
    pthread_t thread;
    void *result;
    struct sigaction action = {.sa_handler = on_signal}, before;
    struct timespec ms = {0, 1000000};
    pair_up(&w, ZMQ_PAIR, ZMQ_PAIR, "inproc://x");
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    assert_int_equal(pthread_create(&thread, NULL, wait_and_say, w.a), 0);
    while (pthread_tryjoin_np(thread, &result) != 0) {
        assert_int_equal(pthread_kill(thread, SIGUSR1), 0);
        nanosleep(&ms, NULL);
    }
    assert_int_equal((intptr_t)result, EINTR);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    end(&w);
}

/* --- events --------------------------------------------------------------------------------------------------------------- */

static int events_of(void *socket) {
    int events = 0;
    size_t size = sizeof events;
    assert_int_equal(zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size), 0);
    return events;
}

/* The descriptor tells of a message, and is silent again once the events were read. */
static void test_descriptor(void **state) {
    (void)state;
    for (int i = 0; i < ENDPOINTS; i++) {
        world w;
        char text[8];
        struct pollfd fd = {.events = POLLIN};
        size_t size = sizeof fd.fd;
        pair_up(&w, ZMQ_PULL, ZMQ_PUSH, endpoints[i]);
        assert_int_equal(zmq_getsockopt(w.a, ZMQ_FD, &fd.fd, &size), 0);
        for (int n = 0; n < 3; n++) {
            assert_int_equal(zmq_send(w.b, "x", 1, 0), 1);
            while ((events_of(w.a) & ZMQ_POLLIN) == 0)
                assert_int_equal(poll(&fd, 1, 60000), 1);
            assert_int_equal(zmq_recv(w.a, text, sizeof text, ZMQ_DONTWAIT), 1);
            assert_int_equal(events_of(w.a), 0);
            assert_int_equal(poll(&fd, 1, 0), 0);
        }
        end(&w);
    }
}

static void test_poll(void **state) {
    world w;
    (void)state;
    int pipe_fds[2];
    pair_up(&w, ZMQ_PAIR, ZMQ_PAIR, "tcp://127.0.0.1:*");
    assert_int_equal(pipe(pipe_fds), 0);
    zmq_pollitem_t items[] = {{w.a, -1, ZMQ_POLLIN, 0}, {NULL, pipe_fds[0], ZMQ_POLLIN, 0}, {w.a, -1, ZMQ_POLLIN, 0}};
    assert_int_equal(zmq_poll(items, 3, 1), 0);
    assert_int_equal(zmq_send(w.b, "x", 1, 0), 1);
    assert_int_equal(zmq_poll(items, 3, -1), 2); /* the same socket twice */
    assert_int_equal(items[0].revents, ZMQ_POLLIN);
    assert_int_equal(items[1].revents, 0);
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    assert_int_equal(zmq_poll(items + 1, 1, -1), 1);
    assert_int_equal(items[1].revents, ZMQ_POLLIN);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    end(&w);
}

static void test_monitor(void **state) {
    (void)state;
    void *context = zmq_ctx_new(), *rep = zmq_socket(context, ZMQ_REP), *heard = zmq_socket(context, ZMQ_PAIR);
    unsigned char event[8];
    char where[64];
    refused(zmq_socket_monitor(rep, "tcp://127.0.0.1:*", ZMQ_EVENT_ALL), EPROTONOSUPPORT);
    assert_int_equal(zmq_socket_monitor(rep, "inproc://events", ZMQ_EVENT_LISTENING | ZMQ_EVENT_MONITOR_STOPPED), 0);
    assert_int_equal(zmq_connect(heard, "inproc://events"), 0);
    assert_int_equal(zmq_bind(rep, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_recv(heard, event, sizeof event, 0), 6);
    assert_int_equal(event[0] | event[1] << 8, ZMQ_EVENT_LISTENING);
    assert_true(zmq_recv(heard, where, sizeof where, 0) > 0);
    assert_int_equal(zmq_close(rep), 0);
    assert_int_equal(zmq_recv(heard, event, sizeof event, 0), 6);
    assert_int_equal(event[0] | event[1] << 8, ZMQ_EVENT_MONITOR_STOPPED);
    assert_int_equal(zmq_close(heard), 0);
    assert_int_equal(zmq_ctx_term(context), 0);
}

/* --- options, keys -------------------------------------------------------------------------------------------------------- */

static void test_sizes(void **state) {
    world w;
    (void)state;
    int number = 0;
    char text[64];
    size_t size = 3;
    pair_up(&w, ZMQ_PAIR, ZMQ_PAIR, "inproc://x");
    refused(zmq_getsockopt(w.a, ZMQ_TYPE, &number, &size), EINVAL);
    size = 5;
    refused(zmq_getsockopt(w.a, ZMQ_LAST_ENDPOINT, text, &size), EINVAL);
    refused(zmq_setsockopt(w.a, ZMQ_LINGER, &number, 3), EINVAL);
    refused(zmq_setsockopt(w.a, ZMQ_LINGER, &number, 8), EINVAL);
    refused(zmq_setsockopt(w.a, 1000, &number, sizeof number), EINVAL);
    refused(zmq_setsockopt(w.a, ZMQ_SOCKS_PROXY, "host:1", 6), EINVAL); /* it would be left out in silence */
    refused(zmq_setsockopt(w.a, ZMQ_ROUTING_ID, text, 0), EINVAL);
    end(&w);
}

static void test_keys(void **state) {
    (void)state;
    static const uint8_t data[8] = {0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b}; /* RFC 32 */
    uint8_t back[8];
    char text[11], open[41], secret[41], again[41];
    assert_string_equal(zmq_z85_encode(text, data, sizeof data), "HelloWorld");
    assert_ptr_equal(zmq_z85_decode(back, "HelloWorld"), back);
    assert_memory_equal(back, data, sizeof data);
    assert_null(zmq_z85_encode(text, data, 7));
    assert_null(zmq_z85_decode(back, "HelloWorl"));
    assert_null(zmq_z85_decode(back, "Hello orld"));
    assert_null(zmq_z85_decode(back, "#####")); /* more than 32 bits */
    if (zmq_has("curve")) {
        assert_int_equal(zmq_curve_keypair(open, secret), 0);
        assert_int_equal(zmq_curve_public(again, secret), 0);
        assert_string_equal(open, again);
    }
}

/* --- proxies, timers ------------------------------------------------------------------------------------------------------ */

typedef struct relay {
    void *in, *out, *control;
    int result;
} relay;

static void *run_relay(void *ctx) {
    relay *r = ctx;
    r->result = zmq_proxy_steerable(r->in, r->out, NULL, r->control);
    return NULL;
}

static void test_proxy(void **state) {
    (void)state;
    pthread_t thread;
    char text[8];
    void *context = zmq_ctx_new();
    relay r = {zmq_socket(context, ZMQ_PULL), zmq_socket(context, ZMQ_PUSH), zmq_socket(context, ZMQ_PAIR), -1};
    void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL), *steer = zmq_socket(context, ZMQ_PAIR);
    assert_int_equal(zmq_bind(r.in, "inproc://in"), 0);
    assert_int_equal(zmq_bind(r.out, "inproc://out"), 0);
    assert_int_equal(zmq_bind(r.control, "inproc://control"), 0);
    assert_int_equal(zmq_connect(push, "inproc://in"), 0);
    assert_int_equal(zmq_connect(pull, "inproc://out"), 0);
    assert_int_equal(zmq_connect(steer, "inproc://control"), 0);
    assert_int_equal(pthread_create(&thread, NULL, run_relay, &r), 0);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(zmq_send(push, &i, sizeof i, i % 2 ? 0 : ZMQ_SNDMORE), sizeof i);
    for (int i = 0, got; i < 5000; i++) {
        assert_int_equal(zmq_recv(pull, &got, sizeof got, 0), sizeof got);
        assert_int_equal(got, i);
    }
    assert_int_equal(zmq_send(steer, "PAUSE", 5, 0), 5);
    assert_int_equal(zmq_send(steer, "STATISTICS", 10, 0), 10);
    uint64_t numbers[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(zmq_recv(steer, &numbers[i], sizeof numbers[i], 0), 8);
    assert_int_equal(numbers[0], 2500);
    assert_int_equal(zmq_send(push, "x", 1, 0), 1);
    refused(zmq_recv(pull, text, sizeof text, ZMQ_DONTWAIT), EAGAIN);
    assert_int_equal(zmq_send(steer, "RESUME", 6, 0), 6);
    assert_int_equal(zmq_recv(pull, text, sizeof text, 0), 1);
    assert_int_equal(zmq_send(steer, "TERMINATE", 9, 0), 9);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(r.result, 0);
    void *all[] = {r.in, r.out, r.control, push, pull, steer};
    for (int i = 0; i < 6; i++)
        assert_int_equal(zmq_close(all[i]), 0);
    assert_int_equal(zmq_ctx_term(context), 0);
}

static void count_one(int id, void *count) {
    assert_true(id > 0);
    ++*(int *)count;
}

static void test_timers(void **state) {
    (void)state;
    int count = 0;
    void *timers = zmq_timers_new();
    refused(zmq_timers_timeout(timers), 0); /* none: no error, and no time */
    int id = zmq_timers_add(timers, 0, count_one, &count), late = zmq_timers_add(timers, 1000000, count_one, &count);
    assert_true(id > 0 && late > id);
    assert_int_equal(zmq_timers_execute(timers), 0);
    assert_true(count >= 1);
    assert_int_equal(zmq_timers_cancel(timers, id), 0);
    refused(zmq_timers_cancel(timers, id), EINVAL);
    assert_true(zmq_timers_timeout(timers) > 1000);
    assert_int_equal(zmq_timers_set_interval(timers, late, 0), 0);
    assert_int_equal(zmq_timers_timeout(timers), 0);
    assert_int_equal(zmq_timers_destroy(&timers), 0);
    void *counter = zmq_atomic_counter_new();
    assert_int_equal(zmq_atomic_counter_inc(counter), 0);
    assert_int_equal(zmq_atomic_counter_value(counter), 1);
    assert_int_equal(zmq_atomic_counter_dec(counter), 0);
    zmq_atomic_counter_destroy(&counter);
    assert_null(counter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stale),    cmocka_unit_test(test_no_handle), cmocka_unit_test(test_null),
        cmocka_unit_test(test_frames),   cmocka_unit_test(test_request),   cmocka_unit_test(test_full),
        cmocka_unit_test(test_linger),   cmocka_unit_test(test_terminate), cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_descriptor), cmocka_unit_test(test_poll),    cmocka_unit_test(test_monitor),
        cmocka_unit_test(test_sizes),    cmocka_unit_test(test_keys),      cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
