/* sock_world.h: sockets in tests: messages as texts. The environment variable FREEHOLD_TEST_IO_THREADS says how many I/O
 * threads a context of theirs has, if a test does not. Threading: helpers fail the test on the thread that runs it. */
#ifndef FH_TEST_SOCK_WORLD_H
#define FH_TEST_SOCK_WORLD_H

#include <stdlib.h>

#include "fh_test.h"
#include "freehold/sock.h"

typedef struct world {
    fh_allocator *a;
    fh_sock_context *c;
} world;

static inline uint32_t io_threads_said(void) {
    const char *said = getenv("FREEHOLD_TEST_IO_THREADS");
    return said != NULL ? (uint32_t)strtoul(said, NULL, 10) : 0;
}
static inline world world_of(void **state, fh_sock_context_options options) {
    world w = {fh_test_allocator(state), NULL};
    fh_assert_ok(fh_sock_context_new(w.a, &options, &w.c));
    return w;
}
static inline world world_new(void **state) {
    return world_of(state, (fh_sock_context_options){.sockets_max = 24, .io_threads = io_threads_said()});
}
static inline void world_free(world w) {
    fh_sock_context_free(w.c);
}

static inline fh_sock open_sock(world w, fh_zmtp_socket type) {
    fh_sock s = {0};
    fh_assert_ok(fh_sock_open(w.c, type, &s));
    return s;
}
static inline fh_sock bound(world w, fh_zmtp_socket type, const char *name) {
    fh_sock s = open_sock(w, type);
    fh_err err = {0};
    fh_assert_ok(fh_sock_bind(w.c, s, fh_span_of_str(name), &err));
    return s;
}
static inline void connect_to(world w, fh_sock s, const char *name) {
    fh_err err = {0};
    fh_assert_ok(fh_sock_connect(w.c, s, fh_span_of_str(name), &err));
}
static inline fh_sock connected(world w, fh_zmtp_socket type, const char *name) {
    fh_sock s = open_sock(w, type);
    connect_to(w, s, name);
    return s;
}
static inline void set(world w, fh_sock s, fh_sock_option option, int64_t value) {
    fh_assert_ok(fh_sock_set(w.c, s, option, value));
}

/* "a|b|" is a message of the parts "a", "b" and "". */
static inline fh_message message_of(fh_allocator *a, const char *text) {
    fh_message m = {0};
    fh_span all = fh_span_of_str(text);
    for (size_t from = 0; from <= all.size;) {
        size_t end = fh_span_find(all, FH_LIT("|"), from);
        end = end == SIZE_MAX ? all.size : end;
        fh_assert_ok(fh_message_push_copy(&m, a, fh_span_sub(all, from, end - from)));
        from = end + 1;
    }
    return m;
}

/* Sends without waiting: the code. */
static inline fh_code say(world w, fh_sock s, const char *text) {
    fh_message m = message_of(w.a, text);
    size_t count = fh_message_count(&m);
    fh_status status = fh_sock_try_send(w.c, s, &m);
    assert_int_equal(fh_message_count(&m), fh_failed(status) ? count : 0); /* taken exactly if it was sent */
    fh_message_drop(&m, w.a);
    return status.code;
}
#define say_ok(w, s, text) assert_int_equal(say((w), (s), (text)), FH_OK)

/* Fails the test unless these parts have come. */
static inline void hear_at(world w, fh_sock s, const char *text, const char *file, int line) {
    fh_message m = {0};
    fh_test_status(fh_sock_try_receive(w.c, s, &m), FH_OK, text, file, line);
    fh_span all = fh_span_of_str(text);
    size_t from = 0, i = 0;
    for (; from <= all.size; i++) {
        size_t end = fh_span_find(all, FH_LIT("|"), from);
        end = end == SIZE_MAX ? all.size : end;
        char part[256] = {0};
        fh_span_copy((fh_mspan){(uint8_t *)part, sizeof part}, fh_span_sub(all, from, end - from));
        assert_true(i < fh_message_count(&m));
        fh_test_span(fh_message_view(&m, i), part, file, line);
        from = end + 1;
    }
    assert_int_equal(fh_message_count(&m), i);
    fh_message_drop(&m, w.a);
}
#define hear(w, s, text) hear_at((w), (s), (text), __FILE__, __LINE__)

/* Fails the test unless a receive gives this code. */
#define hear_code(w, s, expected)                                           \
    do {                                                                    \
        fh_message heard_ = {0};                                            \
        fh_assert_code(fh_sock_try_receive((w).c, (s), &heard_), expected); \
        assert_int_equal(fh_message_count(&heard_), 0);                     \
    } while (0)
#define hear_none(w, s) hear_code(w, s, FH_AGAIN)

static inline int64_t get(world w, fh_sock s, fh_sock_option option) {
    int64_t value = 0;
    fh_assert_ok(fh_sock_get(w.c, s, option, &value));
    return value;
}
static inline void close_sock(world w, fh_sock s) {
    fh_assert_ok(fh_sock_close(w.c, s));
}

#endif
