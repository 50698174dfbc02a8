/* zmq_world.h: calls of zmq.h in tests. The library's objects are part of the program, so that all they allocate comes from a
 * tracing allocator. Threading: helpers fail the test on the thread that runs it. */
#ifndef FH_TEST_ZMQ_WORLD_H
#define FH_TEST_ZMQ_WORLD_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fh_test.h"
#include "zmq/shell.h"

/* A test whose every block is traced: one that lives at its end fails it. */
#define FH_ZMQ_TEST(test) cmocka_unit_test_setup_teardown(test, zmq_world_setup, zmq_world_teardown)

static inline int zmq_world_setup(void **state) {
    int result = fh_test_setup(state);
    fh_zmq_heap_set(fh_test_allocator(state));
    return result;
}
static inline int zmq_world_teardown(void **state) {
    fh_zmq_heap_set(NULL);
    return fh_test_teardown(state);
}

#define refused(call, number)                    \
    do {                                         \
        errno = 0;                               \
        assert_true((call) == -1);               \
        assert_int_equal(zmq_errno(), (number)); \
    } while (0)

#define refused_null(call, number)               \
    do {                                         \
        errno = 0;                               \
        assert_null(call);                       \
        assert_int_equal(zmq_errno(), (number)); \
    } while (0)

typedef struct world {
    void *context, *a, *b;
    char endpoint[64];
} world;

/* Of each transport one; the last is this process's own, once zmq_world_name was called. */
static char zmq_world_ipc[64];
static const char *const endpoints[] = {"inproc://x", "tcp://127.0.0.1:*", zmq_world_ipc};
enum { ENDPOINTS = sizeof endpoints / sizeof endpoints[0] };

static inline void zmq_world_name(void) {
    (void)snprintf(zmq_world_ipc, sizeof zmq_world_ipc, "ipc://@freehold-test-zmq-%d", (int)getpid());
}

static inline void *socket_of(void *context, int type) {
    void *socket = zmq_socket(context, type);
    assert_non_null(socket);
    return socket;
}

static inline void pair_up(world *w, int bound, int connected, const char *endpoint) {
    size_t size = sizeof w->endpoint;
    w->context = zmq_ctx_new();
    w->a = socket_of(w->context, bound);
    w->b = socket_of(w->context, connected);
    assert_int_equal(zmq_bind(w->a, endpoint), 0);
    assert_int_equal(zmq_getsockopt(w->a, ZMQ_LAST_ENDPOINT, w->endpoint, &size), 0);
    assert_int_equal(zmq_connect(w->b, w->endpoint), 0);
}

static inline void end(world *w) {
    assert_int_equal(zmq_close(w->a), 0);
    assert_int_equal(zmq_close(w->b), 0);
    assert_int_equal(zmq_ctx_term(w->context), 0);
}

#endif
