/* net_scene.h: a loop with sockets that do simple things by themselves, for the tests of the loop.
 *
 * Each socket has a seat, whose index is its user number; what happens to it is written down there. A seat that reads asks for
 * the next bytes as soon as some came; one that echoes sends them back. A scene waits for things, up to a minute, never for
 * times. Threading: one thread. */
#ifndef NET_SCENE_H
#define NET_SCENE_H

#include "fh_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freehold/net.h"
#include "freehold/os.h"

enum { SEATS = 512, ROOM_BYTES = 4096 };
#define SECOND UINT64_C(1000000000)

typedef struct seat {
    fh_net_socket s;
    bool accepted, connected, failed, ended, broken, closed, starved, reads, echoes;
    int error;
    size_t received, sent, fills, connects;
    uint64_t sum; /* of what was received, in order */
} seat;

typedef struct scene {
    fh_page_source *pages;
    fh_net *net;
    seat seats[SEATS];
    uint64_t accepts, accept_fails, first_accepted, timers, woken, trace;
    bool reads, echoes; /* what seats that are accepted do */
    fh_net_timer fired[4]; /* the first timers that came */
} scene;

static inline uint64_t sum_of(uint64_t sum, fh_span bytes) {
    for (size_t i = 0; i < bytes.size; i++)
        sum = fh_mix64(sum ^ bytes.at[i]);
    return sum;
}

/* io_uring as Linux 5.19 has it: the only engine here that the environment chooses. */
static const fh_net_options uring_of_5_19 = {.engine = FH_NET_AUTO, .one_thread = true};

static inline fh_status net_new(fh_allocator *a, fh_page_source *pages, const fh_net_options *options, fh_net **out,
                                fh_err *err) {
    if (options->engine == FH_NET_AUTO)
        (void)setenv("FREEHOLD_NET", "io_uring-5.19", 1);
    fh_status s = fh_net_new(a, pages, options, out, err);
    (void)unsetenv("FREEHOLD_NET");
    return s;
}

/* A loop; accepted connections sit down from `first_accepted` on. Where there is no such engine the test is skipped. */
static inline void scene_new(void **state, scene *c, fh_net_options options) {
    fh_err err;
    fh_err_clear(&err);
    memset(c, 0, sizeof *c);
    c->first_accepted = SEATS / 2;
    fh_page_options pages = {.pages_max = 2048};
    fh_assert_ok(fh_page_source_new(fh_test_allocator(state), &pages, &c->pages));
    fh_status s = net_new(fh_test_allocator(state), c->pages, &options, &c->net, &err);
    if (s.code == FH_UNSUPPORTED) {
        fh_page_source_free(c->pages);
        fh_test_skip(err.message);
    }
    fh_assert_ok(s);
}

static inline void scene_free(scene *c) {
    fh_err err;
    fh_err_clear(&err);
    fh_net_free(c->net);
    fh_assert_ok(fh_page_source_check(c->pages, &err));
    assert_int_equal(fh_page_source_stats(c->pages).slabs, 0);
    assert_true(fh_page_source_stats(c->pages).pages_live <= 2); /* those that the source cuts from */
    fh_page_source_free(c->pages);
}

static inline void scene_send(scene *c, uint64_t i, fh_span bytes) {
    fh_bytes piece;
    fh_assert_ok(fh_page_source_copy(c->pages, bytes, &piece));
    fh_assert_ok(fh_net_send(c->net, c->seats[i].s, &piece));
    assert_true(piece.owner == NULL && piece.span.size == 0);
}

static inline void scene_received(scene *c, seat *at, fh_net_event *e) {
    at->received += e->bytes.span.size;
    at->sum = sum_of(at->sum, e->bytes.span);
    if (at->echoes && e->bytes.span.size != 0)
        fh_assert_ok(fh_net_send(c->net, at->s, &e->bytes));
    at->ended = at->ended || e->status.code == FH_END;
    at->broken = at->broken || e->status.code == FH_IO;
    at->starved = at->starved || e->status.code == FH_EXHAUSTED;
    at->error = e->error != 0 ? e->error : at->error;
    if (at->reads && !fh_failed(e->status))
        fh_assert_ok(fh_net_receive(c->net, at->s));
}

static inline void scene_accepted(scene *c, fh_net_event *e) {
    if (fh_failed(e->status)) {
        c->accept_fails++;
        return;
    }
    uint64_t i = c->first_accepted + c->accepts++;
    assert_true(i < SEATS);
    c->seats[i] = (seat){.s = e->socket, .accepted = true, .reads = c->reads, .echoes = c->echoes};
    fh_assert_ok(fh_net_user_set(c->net, e->socket, i));
    if (c->reads)
        fh_assert_ok(fh_net_receive(c->net, e->socket));
}

static inline void scene_event(scene *c, fh_net_event *e) {
    seat *at = &c->seats[e->user < SEATS ? e->user : 0];
    c->trace = fh_mix64(c->trace ^ (uint64_t)e->kind ^ (uint64_t)e->status.code << 8 ^ e->user << 16 ^ e->count << 32);
    switch (e->kind) {
    case FH_NET_ACCEPTED:
        scene_accepted(c, e);
        break;
    case FH_NET_CONNECTED:
        at->connected = !fh_failed(e->status);
        at->failed = fh_failed(e->status);
        at->error = e->error;
        at->connects++;
        if (at->connected && at->reads)
            fh_assert_ok(fh_net_receive(c->net, e->socket));
        break;
    case FH_NET_RECEIVED:
        scene_received(c, at, e);
        break;
    case FH_NET_FILLED:
        at->received += e->count;
        at->fills++;
        at->ended = at->ended || e->status.code == FH_END;
        at->broken = at->broken || e->status.code == FH_IO;
        break;
    case FH_NET_SENT:
        at->sent += e->count;
        at->broken = at->broken || fh_failed(e->status);
        break;
    case FH_NET_CLOSED:
        assert_false(at->closed);
        at->closed = true;
        break;
    case FH_NET_TIMER:
        c->fired[c->timers % 4] = e->timer;
        c->timers++;
        break;
    case FH_NET_WOKEN:
        c->woken++;
        break;
    case FH_NET_NONE:
        fail();
    }
}

/* One wait, and all its events. */
static inline void scene_step(scene *c) {
    fh_net_event e;
    fh_status s = fh_net_wait(c->net, SECOND);
    assert_true(s.code == FH_OK || s.code == FH_TIMEOUT || s.code == FH_CANCELED);
    while (fh_net_next(c->net, &e).code == FH_OK) {
        scene_event(c, &e);
        fh_net_event_drop(&e);
    }
}

/* Goes on until a condition holds. */
#define scene_until(c, condition)                                                                    \
    do {                                                                                             \
        uint64_t scene_end = fh_os_clock_ns() + 60 * SECOND;                                         \
        while (!(condition)) {                                                                       \
            scene_step(c);                                                                           \
            if (fh_os_clock_ns() > scene_end)                                                        \
                fail_msg("waited a minute for %s", #condition);                                      \
        }                                                                                            \
    } while (0)

/* So that sends are partial. */
static const fh_net_socket_options small_buffers = {.send_buffer = 65536, .receive_buffer = 65536};

static inline fh_address address_of(const char *text) {
    fh_address a;
    fh_err err;
    fh_err_clear(&err);
    if (text[0] == '/' || text[0] == '@')
        fh_assert_ok(fh_address_unix(fh_span_of_str(text), &a, &err));
    else
        fh_assert_ok(fh_address_tcp(fh_span_of_str(text), false, &a, &err));
    return a;
}

/* Seat 0 listens at an address; where it does. */
static inline fh_address scene_listen(scene *c, const char *text) {
    fh_address a = address_of(text);
    fh_err err;
    fh_err_clear(&err);
    c->seats[0] = (seat){0};
    fh_assert_ok(fh_net_listen(c->net, &a, &small_buffers, 0, &c->seats[0].s, &err));
    fh_assert_ok(fh_net_local(c->net, c->seats[0].s, &a));
    return a;
}

/* Seat i begins to connect. */
static inline void scene_dial(scene *c, const fh_address *to, uint64_t i, bool reads) {
    fh_err err;
    fh_err_clear(&err);
    c->seats[i] = (seat){.reads = reads};
    fh_assert_ok(fh_net_connect(c->net, to, &small_buffers, i, &c->seats[i].s, &err));
}

/* Seat 1 and an accepted one, whose index is returned, are connected. */
static inline uint64_t scene_pair(scene *c, const fh_address *to, bool reads) {
    uint64_t before = c->accepts;
    scene_dial(c, to, 1, reads);
    scene_until(c, c->seats[1].connected && c->accepts > before);
    return c->first_accepted + before;
}

static inline void scene_close(scene *c, uint64_t i) {
    fh_assert_ok(fh_net_close(c->net, c->seats[i].s));
    scene_until(c, c->seats[i].closed);
}

/* Descriptors that this process has open. */
static inline size_t open_descriptors(void) {
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

/* A test of all engines; of io_uring, of each kind: for one thread, for several, and with nothing newer than Linux 5.19. */
#define ON_EACH_ENGINE(test)                                                          \
    static void test##_epoll(void **state) {                                          \
        test(state, (fh_net_options){.engine = FH_NET_EPOLL});                        \
    }                                                                                 \
    static void test##_uring(void **state) {                                          \
        test(state, (fh_net_options){.engine = FH_NET_URING, .one_thread = true});    \
    }                                                                                 \
    static void test##_uring_shared(void **state) {                                   \
        test(state, (fh_net_options){.engine = FH_NET_URING});                        \
    }                                                                                 \
    static void test##_uring_old(void **state) {                                      \
        test(state, uring_of_5_19);                                                   \
    }                                                                                 \
    static void test##_sim(void **state) {                                            \
        test(state, (fh_net_options){.engine = FH_NET_SIM});                          \
    }
#define EACH_ENGINE(test)                                                                                  \
    FH_TEST_ALLOC(test##_epoll), FH_TEST_ALLOC(test##_uring), FH_TEST_ALLOC(test##_uring_shared),          \
        FH_TEST_ALLOC(test##_uring_old), FH_TEST_ALLOC(test##_sim)

#endif
