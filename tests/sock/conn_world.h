/* conn_world.h: sockets in tests that may be in other processes: names of each transport, and calls that wait for what has to
 * come, up to a minute. Threading: sock_world.h. */
#ifndef FH_TEST_CONN_WORLD_H
#define FH_TEST_CONN_WORLD_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sock_world.h"

#include "freehold/os.h"

enum { LONG_MS = 60000 };
typedef enum transport { INPROC, TCP, IPC, ABSTRACT, TRANSPORTS } transport;

typedef struct wire_name {
    char text[256];
} wire_name;

/* A name that nobody has. */
static inline wire_name fresh_name(transport t) {
    static unsigned next;
    static const char *const beginnings[] = {"inproc://", "tcp://127.0.0.1:*", "ipc:///tmp/fh-test-", "ipc://@fh-test-"};
    wire_name n;
    if (t == TCP)
        (void)snprintf(n.text, sizeof n.text, "%s", beginnings[t]);
    else
        (void)snprintf(n.text, sizeof n.text, "%s%u-%u", beginnings[t], (unsigned)getpid(), next++);
    return n;
}
static inline wire_name last_name(world w, fh_sock s) {
    wire_name n;
    fh_bytes name;
    fh_assert_ok(fh_sock_last_endpoint(w.c, s, &name));
    (void)snprintf(n.text, sizeof n.text, "%.*s", FH_SPAN_FMT(name.span));
    fh_bytes_drop(&name);
    return n;
}
static inline fh_sock open_patient(world w, fh_zmtp_socket type) {
    fh_sock s = open_sock(w, type);
    set(w, s, FH_SOCK_SEND_TIMEOUT, LONG_MS);
    set(w, s, FH_SOCK_RECEIVE_TIMEOUT, LONG_MS);
    set(w, s, FH_SOCK_RECONNECT_IVL, 10);
    return s;
}
static inline fh_code bind_to(world w, fh_sock s, const char *name) {
    return fh_sock_bind(w.c, s, fh_span_of_str(name), NULL).code;
}
/* Binds to a fresh name: the name that was found. */
static inline wire_name bind_fresh(world w, fh_sock s, transport t) {
    wire_name n = fresh_name(t);
    assert_int_equal(bind_to(w, s, n.text), FH_OK);
    return last_name(w, s);
}
static inline fh_sock connect_patient(world w, fh_zmtp_socket type, wire_name n) {
    fh_sock s = open_patient(w, type);
    connect_to(w, s, n.text);
    return s;
}

/* Sends, and waits until that was possible. */
static inline void tell_at(world w, fh_sock s, const char *text, const char *file, int line) {
    fh_message m = message_of(w.a, text);
    fh_test_status(fh_sock_send(w.c, s, &m), FH_OK, text, file, line);
    fh_message_drop(&m, w.a);
}
#define tell(w, s, text) tell_at((w), (s), (text), __FILE__, __LINE__)

static inline void check_parts(fh_message *m, const char *text, const char *file, int line) {
    fh_span all = fh_span_of_str(text);
    size_t from = 0, i = 0;
    for (; from <= all.size; i++) {
        size_t end = fh_span_find(all, FH_LIT("|"), from);
        end = end == SIZE_MAX ? all.size : end;
        char part[256] = {0};
        fh_span_copy((fh_mspan){(uint8_t *)part, sizeof part}, fh_span_sub(all, from, end - from));
        assert_true(i < fh_message_count(m));
        fh_test_span(fh_message_view(m, i), part, file, line);
        from = end + 1;
    }
    assert_int_equal(fh_message_count(m), i);
}
/* Waits for a message, which has these parts. */
static inline void await_at(world w, fh_sock s, const char *text, const char *file, int line) {
    fh_message m = {0};
    fh_test_status(fh_sock_receive(w.c, s, &m), FH_OK, text, file, line);
    check_parts(&m, text, file, line);
    fh_message_drop(&m, w.a);
}
#define await(w, s, text) await_at((w), (s), (text), __FILE__, __LINE__)

/* Waits for an event of this kind; others are passed over. */
static inline int64_t await_event(world w, fh_sock s, fh_sock_happening kind) {
    for (;;) {
        fh_sock_event e;
        fh_status status = fh_sock_event_next(w.c, s, &e);
        if (status.code == FH_AGAIN) {
            fh_sock_poll_item item = {s, FH_SOCK_HAPPENED, 0};
            size_t count = 0;
            fh_assert_ok(fh_sock_poll(w.c, (fh_sock_poll_items){&item, 1}, LONG_MS, &count));
            assert_int_equal(item.found, FH_SOCK_HAPPENED);
            continue;
        }
        fh_assert_ok(status);
        fh_sock_happening found = e.kind;
        int64_t value = e.value;
        fh_sock_event_drop(&e);
        if (found == kind)
            return value;
    }
}
static inline void watch_all(world w, fh_sock s) {
    fh_assert_ok(fh_sock_monitor(w.c, s, FH_SOCK_IS_ANY));
}

/* Whether an address of this kind can be bound here. */
static inline bool can_bind(int family, const void *address, socklen_t size) {
    int fd = socket(family, SOCK_STREAM, 0);
    bool can = fd >= 0 && bind(fd, (const struct sockaddr *)address, size) == 0;
    if (fd >= 0)
        (void)close(fd);
    return can;
}
static inline bool have_loopback(void) {
    struct sockaddr_in to = {.sin_family = AF_INET};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return can_bind(AF_INET, &to, sizeof to);
}
static inline bool have_loopback6(void) {
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    return can_bind(AF_INET6, &to, sizeof to);
}
static inline bool have_abstract(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int size = snprintf(&name.sun_path[1], sizeof name.sun_path - 1, "fh-probe-%u", (unsigned)getpid());
    return can_bind(AF_UNIX, &name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size));
}

/* The exit status of a program of tests that need a loopback and abstract local sockets: 77, with the reason, without them. */
static inline int run_where_possible(const char *group, const struct CMUnitTest *tests, size_t count) {
    const char *lacks = !have_loopback() ? "no TCP on 127.0.0.1" : !have_abstract() ? "no abstract local sockets" : NULL;
    if (lacks == NULL)
        return _cmocka_run_group_tests(group, tests, count, NULL, NULL);
    printf("skipped: %s here\n", lacks);
    return 77;
}

/* Waits for the end of the other side of a descriptor, and closes it. */
static inline void await_end(int fd) {
    uint8_t bytes[4096];
    ssize_t n = 1;
    while (n > 0)
        n = recv(fd, bytes, sizeof bytes, 0);
    close(fd);
}

/* True if a descriptor becomes readable in this time. */
static inline bool rings(int fd, int timeout_ms) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int count = poll(&p, 1, timeout_ms);
    while (count < 0 && errno == EINTR)
        count = poll(&p, 1, timeout_ms);
    assert_true(count >= 0);
    return count == 1;
}
/* How many descriptors this process has. */
static inline size_t descriptors(void) {
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count;
}

/* Ends a world without waiting for what nobody takes. */
static inline void world_stop(world w) {
    fh_sock_context_stop(w.c);
    world_free(w);
}

#endif
