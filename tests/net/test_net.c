/* test_net.c: the loop, the same tests on each engine: connections, echoes, large transfers, ends of all kinds, limits. */
#define _GNU_SOURCE 1

#include "net_scene.h"
#include "zmtp_pair.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGE = 3 << 20, PIECE = 100000, MANY = 200, ROUNDS = 100, EPOLL_CALLS = 7, URING_CALLS = 3 };

static void fill(uint8_t *at, size_t size, uint64_t seed) {
    fh_test_rng rng = fh_test_rng_new(seed);
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)fh_test_rng_next(&rng);
}

/* --- connections and echoes ------------------------------------------------------------------------------ */

static void echo_at(scene *c, const char *text) {
    c->echoes = c->reads = true;
    fh_address at = scene_listen(c, text);
    uint64_t there = scene_pair(c, &at, true);
    fh_address local, peer;
    fh_assert_ok(fh_net_local(c->net, c->seats[there].s, &local));
    assert_true(fh_address_equal(&local, &at));
    fh_assert_ok(fh_net_peer(c->net, c->seats[1].s, &peer));
    assert_true(fh_address_equal(&peer, &at));
    scene_send(c, 1, FH_LIT("hello, "));
    scene_send(c, 1, FH_LIT("world"));
    scene_until(c, c->seats[1].received == 12 && c->seats[1].sent == 12 && c->seats[there].sent == 12);
    assert_int_equal(c->seats[1].sum, sum_of(0, FH_LIT("hello, world")));
    assert_int_equal(c->seats[there].sum, c->seats[1].sum);
    scene_close(c, 1);
    scene_until(c, c->seats[there].ended);
    scene_close(c, there);
    scene_close(c, 0);
}

static void test_echo(void **state, fh_net_options options) {
    scene c;
    char path[1200];
    scene_new(state, &c, options);
    echo_at(&c, "127.0.0.1:*");
    (void)snprintf(path, sizeof path, "@freehold-test-%d", (int)getpid());
    echo_at(&c, path);
    fh_test_path file = fh_test_tmp_path("s");
    if (strlen(file.text) <= FH_ADDRESS_PATH_MAX) {
        echo_at(&c, file.text);
        assert_int_equal(access(file.text, F_OK), -1); /* the listener's file went with it */
    }
    assert_int_equal(fh_net_stats_get(c.net).sockets, 0);
    scene_free(&c);
}
ON_EACH_ENGINE(test_echo)

/* More than the kernel's buffers hold, in pieces of odd sizes, to a reader that begins late. */
static void test_large(void **state, fh_net_options options) {
    scene c;
    static uint8_t bytes[LARGE];
    scene_new(state, &c, options);
    fill(bytes, LARGE, 1);
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    uint64_t there = scene_pair(&c, &at, false);
    for (size_t i = 0; i < LARGE; i += PIECE)
        scene_send(&c, 1, (fh_span){bytes + i, LARGE - i < PIECE ? LARGE - i : PIECE});
    assert_int_equal(fh_net_out_bytes(c.net, c.seats[1].s), LARGE);
    scene_until(&c, c.seats[1].sent > 0);
    assert_true(fh_net_out_bytes(c.net, c.seats[1].s) > 0); /* a partial send */
    c.seats[there].reads = true;
    fh_assert_ok(fh_net_receive(c.net, c.seats[there].s));
    scene_until(&c, c.seats[there].received == LARGE && c.seats[1].sent == LARGE);
    assert_int_equal(c.seats[there].sum, sum_of(0, (fh_span){bytes, LARGE}));
    scene_free(&c);
}
ON_EACH_ENGINE(test_large)

/* Into room of the caller's: no byte is moved afterwards. */
static void test_receive_into(void **state, fh_net_options options) {
    scene c;
    fh_slab slab;
    fh_mspan room;
    fh_bytes bytes;
    static uint8_t sent[20000];
    scene_new(state, &c, options);
    fill(sent, sizeof sent, 2);
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    uint64_t there = scene_pair(&c, &at, false);
    fh_assert_ok(fh_slab_alloc(c.pages, sizeof sent, &slab));
    fh_assert_ok(fh_slab_begin_io(c.pages, &slab, &room));
    fh_assert_code(fh_net_receive_into(c.net, c.seats[there].s, (fh_mspan){room.at, 0}), FH_INVALID);
    scene_send(&c, 1, (fh_span){sent, sizeof sent});
    for (size_t got = 0; got < sizeof sent;) {
        size_t fills = c.seats[there].fills;
        fh_assert_ok(fh_net_receive_into(c.net, c.seats[there].s, (fh_mspan){room.at + got, room.size - got}));
        fh_assert_code(fh_net_receive(c.net, c.seats[there].s), FH_BORROWED);
        scene_until(&c, c.seats[there].fills > fills);
        got = c.seats[there].received;
    }
    fh_assert_ok(fh_slab_end_io(c.pages, &slab, sizeof sent));
    fh_assert_ok(fh_slab_freeze(c.pages, &slab, sizeof sent, &bytes));
    assert_true(fh_span_equal(bytes.span, (fh_span){sent, sizeof sent}));
    fh_bytes_drop(&bytes);
    scene_free(&c);
}
ON_EACH_ENGINE(test_receive_into)

/* What was received outlives the socket and stays what it was. */
static void test_bytes_stay(void **state, fh_net_options options) {
    scene c;
    fh_net_event e = {.kind = FH_NET_NONE};
    fh_bytes kept = {NULL, {NULL, 0}};
    scene_new(state, &c, options);
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    uint64_t there = scene_pair(&c, &at, true);
    scene_send(&c, there, FH_LIT("0123456789"));
    for (size_t got = 0; got < 10;) {
        (void)!fh_net_wait(c.net, SECOND).code;
        while (fh_net_next(c.net, &e).code == FH_OK) {
            if (e.kind == FH_NET_RECEIVED) {
                got += e.bytes.span.size;
                fh_bytes_drop(&kept);
                kept = fh_bytes_share(e.bytes);
            }
            scene_event(&c, &e);
            fh_net_event_drop(&e);
        }
    }
    fh_bytes before;
    fh_assert_ok(fh_bytes_copy(fh_test_allocator(state), kept.span, &before));
    scene_send(&c, there, FH_LIT("others come to the same page"));
    scene_until(&c, c.seats[1].received == 38);
    scene_close(&c, 1);
    assert_true(fh_bytes_equal(kept, before));
    fh_bytes_drop(&before);
    fh_bytes_drop(&kept);
    scene_free(&c);
}
ON_EACH_ENGINE(test_bytes_stay)

/* --- ends ------------------------------------------------------------------------------------------------ */

static void test_half_close(void **state, fh_net_options options) {
    scene c;
    scene_new(state, &c, options);
    c.reads = true;
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    uint64_t there = scene_pair(&c, &at, true);
    scene_send(&c, 1, FH_LIT("the last words"));
    fh_assert_ok(fh_net_shutdown(c.net, c.seats[1].s));
    fh_bytes late;
    fh_assert_ok(fh_page_source_copy(c.pages, FH_LIT("too late"), &late));
    fh_assert_code(fh_net_send(c.net, c.seats[1].s, &late), FH_END);
    assert_int_equal(late.span.size, 8); /* a refused piece stays with the caller */
    fh_bytes_drop(&late);
    scene_until(&c, c.seats[there].ended);
    assert_int_equal(c.seats[there].received, 14);
    scene_send(&c, there, FH_LIT("an answer")); /* the other direction is open */
    scene_until(&c, c.seats[1].received == 9);
    assert_false(c.seats[1].ended);
    scene_close(&c, there);
    scene_until(&c, c.seats[1].ended);
    scene_free(&c);
}
ON_EACH_ENGINE(test_half_close)

/* The peer goes while a send is under way: a status, no signal, and what waited is dropped. */
static void test_reset(void **state, fh_net_options options) {
    scene c;
    static uint8_t bytes[LARGE];
    scene_new(state, &c, options);
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    uint64_t there = scene_pair(&c, &at, true);
    for (size_t i = 0; i + PIECE <= LARGE; i += PIECE)
        scene_send(&c, 1, (fh_span){bytes + i, PIECE});
    scene_until(&c, c.seats[1].sent > 0);
    scene_close(&c, there);
    scene_until(&c, c.seats[1].broken);
    scene_until(&c, fh_net_out_bytes(c.net, c.seats[1].s) == 0);
    fh_bytes more;
    fh_assert_ok(fh_page_source_copy(c.pages, FH_LIT("x"), &more));
    scene_until(&c, fh_net_send(c.net, c.seats[1].s, &more).code == FH_END);
    fh_bytes_drop(&more);
    scene_close(&c, 1);
    scene_free(&c);
}
ON_EACH_ENGINE(test_reset)

/* Everything is under way when a socket is closed; nothing of it is told any more, and its number is stale. */
static void test_close_in_flight(void **state, fh_net_options options) {
    scene c;
    fh_slab slab;
    fh_mspan room;
    static uint8_t bytes[LARGE];
    scene_new(state, &c, options);
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    uint64_t there = scene_pair(&c, &at, false);
    scene_dial(&c, &at, 2, false);
    scene_until(&c, c.seats[2].connected && c.accepts == 2);
    scene_send(&c, 2, FH_LIT("x"));
    fh_assert_ok(fh_net_wait(c.net, SECOND)); /* it was sent, and that was not told yet */
    fh_assert_ok(fh_net_close(c.net, c.seats[2].s));
    fh_net_event e;
    fh_assert_code(fh_net_next(c.net, &e), FH_AGAIN);
    for (size_t i = 0; i + PIECE <= LARGE; i += PIECE)
        scene_send(&c, 1, (fh_span){bytes + i, PIECE});
    fh_assert_ok(fh_slab_alloc(c.pages, ROOM_BYTES, &slab));
    fh_assert_ok(fh_slab_begin_io(c.pages, &slab, &room));
    fh_assert_ok(fh_net_receive_into(c.net, c.seats[1].s, room));
    scene_until(&c, c.seats[1].sent > 0);
    size_t told = c.seats[1].sent;
    fh_assert_ok(fh_net_close(c.net, c.seats[1].s));
    fh_assert_code(fh_net_close(c.net, c.seats[1].s), FH_STALE);
    fh_assert_code(fh_net_receive(c.net, c.seats[1].s), FH_STALE);
    scene_until(&c, c.seats[1].closed);
    assert_int_equal(c.seats[1].fills, 0);
    assert_int_equal(c.seats[1].sent, told);
    /* The room is ours again. */
    fh_assert_ok(fh_slab_end_io(c.pages, &slab, 0));
    fh_assert_ok(fh_slab_release(c.pages, &slab));
    fh_bytes piece;
    fh_assert_ok(fh_page_source_copy(c.pages, FH_LIT("x"), &piece));
    fh_assert_code(fh_net_send(c.net, c.seats[1].s, &piece), FH_STALE);
    fh_bytes_drop(&piece);
    fh_assert_code(fh_net_close(c.net, c.seats[1].s), FH_STALE);
    fh_assert_code(fh_net_user_set(c.net, c.seats[1].s, 7), FH_STALE);
    assert_int_equal(fh_net_descriptor(c.net, c.seats[1].s), -1);
    c.seats[there].reads = true;
    fh_assert_ok(fh_net_receive(c.net, c.seats[there].s));
    scene_until(&c, c.seats[there].ended || c.seats[there].broken);
    scene_free(&c);
}
ON_EACH_ENGINE(test_close_in_flight)

/* A loop ends while operations are in flight; the rooms are the caller's then. */
static void test_free_in_flight(void **state, fh_net_options options) {
    scene c;
    fh_slab slab;
    fh_mspan room;
    static uint8_t bytes[LARGE];
    scene_new(state, &c, options);
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    uint64_t there = scene_pair(&c, &at, true);
    for (size_t i = 0; i + PIECE <= LARGE; i += PIECE)
        scene_send(&c, 1, (fh_span){bytes + i, PIECE});
    fh_assert_ok(fh_slab_alloc(c.pages, ROOM_BYTES, &slab));
    fh_assert_ok(fh_slab_begin_io(c.pages, &slab, &room));
    fh_assert_ok(fh_net_receive_into(c.net, c.seats[there].s, room));
    scene_dial(&c, &at, 2, true);
    scene_until(&c, c.seats[1].sent > 0);
    fh_net_free(c.net);
    c.net = NULL;
    fh_assert_ok(fh_slab_end_io(c.pages, &slab, 0));
    fh_assert_ok(fh_slab_release(c.pages, &slab));
    scene_free(&c);
}
ON_EACH_ENGINE(test_free_in_flight)

static void test_refused(void **state, fh_net_options options) {
    scene c;
    fh_err err;
    fh_net_socket s;
    fh_err_clear(&err);
    scene_new(state, &c, options);
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    fh_assert_code(fh_net_listen(c.net, &at, NULL, 9, &s, &err), FH_IO); /* somebody listens there */
    assert_int_equal(fh_net_error(c.net), EADDRINUSE);
    assert_int_equal(s.value, 0);
    scene_close(&c, 0);
    scene_dial(&c, &at, 1, false);
    scene_until(&c, c.seats[1].failed);
    assert_int_equal(c.seats[1].error, ECONNREFUSED);
    fh_assert_code(fh_net_receive(c.net, c.seats[1].s), FH_INVALID);
    scene_close(&c, 1);
    scene_dial(&c, &at, 1, false);
    scene_close(&c, 1); /* before it has failed, or after it: nothing but this is told */
    fh_address nobody = address_of("@freehold-nobody"); /* the kernel says so at once */
    scene_dial(&c, &nobody, 2, false);
    scene_until(&c, c.seats[2].failed);
    (void)fh_net_wait(c.net, 0).code;
    scene_step(&c);
    assert_int_equal(c.seats[2].connects, 1);
    fh_address nowhere = {.kind = FH_ADDRESS_NONE};
    fh_assert_code(fh_net_connect(c.net, &nowhere, NULL, 9, &s, NULL), FH_INVALID);
    fh_assert_code(fh_net_listen(c.net, &nowhere, NULL, 9, &s, NULL), FH_INVALID);
    scene_free(&c);
}
ON_EACH_ENGINE(test_refused)

/* --- many ------------------------------------------------------------------------------------------------ */

/* Each says a word and goes, some without a word; descriptors and memory are then as before. */
static void test_many(void **state, fh_net_options options) {
    scene c;
    size_t before = open_descriptors();
    fh_test_rng rng = fh_test_rng_new(3);
    uint64_t closed = 0;
    scene_new(state, &c, options);
    c.reads = c.echoes = true;
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    for (uint64_t i = 1; i <= MANY; i++)
        scene_dial(&c, &at, i, true);
    scene_until(&c, c.accepts == MANY);
    for (uint64_t i = 1; i <= MANY; i++) {
        scene_until(&c, c.seats[i].connected);
        if (fh_test_rng_below(&rng, 4) != 0)
            scene_send(&c, i, FH_LIT("a word"));
        else
            c.seats[i].received = 6;
    }
    for (uint64_t i = 1; i <= MANY; i++) {
        scene_until(&c, c.seats[i].received == 6);
        fh_assert_ok(fh_net_close(c.net, c.seats[i].s));
    }
    for (uint64_t i = 0; i < MANY; i++) {
        seat *there = &c.seats[c.first_accepted + i];
        scene_until(&c, there->ended || there->broken);
        fh_assert_ok(fh_net_close(c.net, there->s));
    }
    for (uint64_t i = 1; i <= MANY; i++)
        scene_until(&c, c.seats[i].closed && c.seats[c.first_accepted + i - 1].closed);
    for (uint64_t i = 0; i < SEATS; i++)
        closed += c.seats[i].closed;
    assert_int_equal(closed, 2 * MANY);
    assert_int_equal(fh_net_stats_get(c.net).sockets, 1);
    scene_free(&c);
    assert_int_equal(open_descriptors(), before);
}
ON_EACH_ENGINE(test_many)

/* Limits are refusals that change nothing. */
static void test_limits(void **state, fh_net_options options) {
    scene c;
    fh_err err;
    fh_net_socket s;
    fh_bytes piece;
    fh_err_clear(&err);
    options.sockets_max = 4;
    options.pieces_max = 2;
    options.timers_max = 1;
    scene_new(state, &c, options);
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    uint64_t there = scene_pair(&c, &at, false);
    scene_dial(&c, &at, 2, false);
    fh_assert_code(fh_net_connect(c.net, &at, NULL, 3, &s, NULL), FH_EXHAUSTED);
    scene_until(&c, c.accept_fails != 0); /* there is no place for the other end */
    scene_send(&c, 1, FH_LIT("1"));
    scene_send(&c, 1, FH_LIT("2"));
    fh_assert_ok(fh_page_source_copy(c.pages, FH_LIT("3"), &piece));
    fh_assert_code(fh_net_send(c.net, c.seats[1].s, &piece), FH_EXHAUSTED);
    assert_int_equal(piece.span.size, 1);
    fh_assert_code(fh_net_send(c.net, c.seats[0].s, &piece), FH_INVALID);
    fh_bytes_drop(&piece);
    fh_assert_code(fh_net_receive(c.net, c.seats[0].s), FH_INVALID);
    fh_assert_code(fh_net_shutdown(c.net, c.seats[0].s), FH_INVALID);
    fh_net_timer t;
    fh_assert_ok(fh_net_timer_start(c.net, FH_NET_FOREVER, 1, &t));
    fh_assert_code(fh_net_timer_start(c.net, 0, 1, &t), FH_EXHAUSTED);
    scene_close(&c, there); /* a place is free: the listener tries again by itself */
    scene_until(&c, c.accepts == 2);
    scene_free(&c);
}
ON_EACH_ENGINE(test_limits)

/* --- time and other threads ---------------------------------------------------------------------------------- */

static void test_timers(void **state, fh_net_options options) {
    scene c;
    fh_net_timer first, second, third;
    scene_new(state, &c, options);
    fh_assert_code(fh_net_wait(c.net, 0), FH_TIMEOUT);
    uint64_t now = fh_net_now_ns(c.net);
    fh_assert_ok(fh_net_timer_start(c.net, now + 3000000, 0, &second));
    fh_assert_ok(fh_net_timer_start(c.net, now + 1000000, 0, &first));
    fh_assert_ok(fh_net_timer_start(c.net, now + 2000000, 0, &third));
    fh_assert_ok(fh_net_timer_stop(c.net, third));
    fh_assert_code(fh_net_timer_stop(c.net, third), FH_STALE);
    scene_until(&c, c.timers >= 1);
    assert_true(fh_net_now_ns(c.net) >= now + 1000000);
    scene_until(&c, c.timers == 2);
    assert_true(fh_net_now_ns(c.net) >= now + 3000000);
    assert_int_equal(c.fired[0].value, first.value);
    assert_int_equal(c.fired[1].value, second.value);
    fh_assert_code(fh_net_timer_stop(c.net, second), FH_STALE);
    now = fh_net_now_ns(c.net);
    fh_status s = FH_STATUS(FH_CANCELED);
    while (s.code == FH_CANCELED) /* the system may stop the process and let it go on */
        s = fh_net_wait(c.net, 5000000);
    fh_assert_code(s, FH_TIMEOUT);
    assert_true(fh_net_now_ns(c.net) >= now + 5000000);
    scene_free(&c);
}
ON_EACH_ENGINE(test_timers)

static void *wake(void *waker) {
    fh_net_wake(*(fh_net_waker *)waker);
    return NULL;
}

static void test_wake(void **state, fh_net_options options) {
    scene c;
    pthread_t thread;
    if (options.engine == FH_NET_SIM)
        return; /* a simulated loop has no other threads */
    scene_new(state, &c, options);
    fh_net_waker waker = fh_net_waker_get(c.net);
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(pthread_create(&thread, NULL, wake, &waker), 0);
        scene_until(&c, c.woken == i + 1);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    fh_net_wake(waker);
    fh_net_wake(waker);
    scene_until(&c, c.woken == 11);
    fh_assert_code(fh_net_wait(c.net, 0), FH_TIMEOUT); /* both at once */
    scene_free(&c);
}
ON_EACH_ENGINE(test_wake)

/* --- descriptors of others ----------------------------------------------------------------------------------- */

static void test_adopt(void **state, fh_net_options options) {
    scene c;
    int pair[2], pipes[2];
    scene_new(state, &c, options);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(pipe(pipes), 0);
    fh_code expected = options.engine == FH_NET_SIM ? FH_UNSUPPORTED : FH_INVALID;
    fh_assert_code(fh_net_adopt(c.net, pipes[0], 1, &c.seats[1].s, NULL), expected);
    if (options.engine != FH_NET_SIM) {
        c.seats[1].reads = c.seats[2].reads = true;
        fh_assert_ok(fh_net_adopt(c.net, pair[0], 1, &c.seats[1].s, NULL));
        fh_assert_ok(fh_net_adopt(c.net, pair[1], 2, &c.seats[2].s, NULL));
        assert_int_equal(fh_net_descriptor(c.net, c.seats[1].s), pair[0]);
        fh_assert_ok(fh_net_receive(c.net, c.seats[2].s));
        scene_send(&c, 1, FH_LIT("over a pair"));
        scene_until(&c, c.seats[2].received == 11);
    } else {
        (void)close(pair[0]);
        (void)close(pair[1]);
    }
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    scene_free(&c);
}
ON_EACH_ENGINE(test_adopt)

/* No descriptor is free: the listener says so, and goes on when there is one. */
static void test_no_descriptor(void **state, fh_net_options options) {
    scene c;
    struct rlimit limit, small;
    fh_test_skip_on_valgrind("it moves the limit of descriptors for its own");
    if (options.engine == FH_NET_SIM)
        return; /* accept_fails_ppm does that there */
    scene_new(state, &c, options);
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    scene_dial(&c, &at, 1, false);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int next = dup(0);
    assert_true(next >= 0);
    (void)close(next);
    small = (struct rlimit){(rlim_t)next, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
    scene_until(&c, c.accept_fails != 0);
    fh_assert_code(fh_net_connect(c.net, &at, NULL, 2, &c.seats[2].s, NULL), FH_EXHAUSTED);
    assert_int_equal(fh_net_error(c.net), EMFILE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    scene_until(&c, c.accepts == 1);
    scene_free(&c);
}
ON_EACH_ENGINE(test_no_descriptor)

/* --- memory ---------------------------------------------------------------------------------------------- */

static fh_status exchange(fh_net *net, fh_page_source *pages, fh_net_event *e) {
    fh_net_socket listener, here, there = {0};
    fh_address at = address_of("127.0.0.1:*");
    fh_net_timer t;
    fh_bytes piece;
    size_t got = 0;
    FH_TRY(fh_net_listen(net, &at, NULL, 0, &listener, NULL));
    fh_assert_ok(fh_net_local(net, listener, &at));
    FH_TRY(fh_net_timer_start(net, FH_NET_FOREVER, 0, &t));
    FH_TRY(fh_net_connect(net, &at, NULL, 1, &here, NULL));
    while (got < 5) {
        (void)!fh_net_wait(net, SECOND).code;
        while (fh_net_next(net, e).code == FH_OK) {
            fh_status s = e->status;
            got += e->bytes.span.size;
            fh_net_event_drop(e);
            FH_TRY(s);
            if (e->kind == FH_NET_CONNECTED) {
                FH_TRY(fh_page_source_copy(pages, FH_LIT("hello"), &piece));
                s = fh_net_send(net, here, &piece);
                fh_bytes_drop(&piece);
                FH_TRY(s);
            }
            if (e->kind == FH_NET_ACCEPTED)
                there = e->socket;
            if (e->kind == FH_NET_ACCEPTED || (e->kind == FH_NET_RECEIVED && got < 5))
                FH_TRY(fh_net_receive(net, there));
        }
    }
    return FH_DONE;
}

static fh_status without_memory(fh_allocator *a, void *arg) {
    fh_page_source *pages;
    fh_net *net;
    fh_net_event e = {.kind = FH_NET_NONE};
    FH_TRY(fh_page_source_new(a, &(fh_page_options){.pages_max = 16}, &pages));
    fh_status s = net_new(a, pages, (const fh_net_options *)arg, &net, NULL);
    if (!fh_failed(s)) {
        s = exchange(net, pages, &e);
        fh_net_free(net);
    }
    fh_page_source_free(pages);
    return s;
}

static void test_without_memory(void **state, fh_net_options options) {
    scene c;
    scene_new(state, &c, options);
    scene_free(&c);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), without_memory, &options) > 5);
}
ON_EACH_ENGINE(test_without_memory)

/* No page is free: the receive says so, nothing is lost, and it goes on later. */
static void test_without_pages(void **state, fh_net_options options) {
    scene c;
    fh_slab slab[2048];
    size_t count = 0;
    scene_new(state, &c, options);
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    uint64_t there = scene_pair(&c, &at, false);
    scene_send(&c, 1, FH_LIT("patience"));
    while (fh_slab_alloc(c.pages, FH_PAGE_BYTES, &slab[count]).code == FH_OK)
        count++;
    fh_assert_ok(fh_net_receive(c.net, c.seats[there].s));
    fh_net_event e = {.kind = FH_NET_NONE};
    uint64_t end = fh_os_clock_ns() + 60 * SECOND;
    while (e.kind != FH_NET_RECEIVED && fh_os_clock_ns() < end) {
        (void)!fh_net_wait(c.net, SECOND).code;
        while (e.kind != FH_NET_RECEIVED && fh_net_next(c.net, &e).code == FH_OK) {
        }
    }
    assert_int_equal(e.kind, FH_NET_RECEIVED);
    if (e.status.code == FH_OK) { /* an engine that has pages of its own */
        c.seats[there].received = e.bytes.span.size;
        fh_net_event_drop(&e);
    } else {
        fh_assert_code(e.status, FH_EXHAUSTED);
    }
    while (count > 0)
        fh_assert_ok(fh_slab_release(c.pages, &slab[--count]));
    c.seats[there].reads = true;
    fh_assert_ok(fh_net_receive(c.net, c.seats[there].s));
    scene_until(&c, c.seats[there].received == 8);
    scene_free(&c);
}
ON_EACH_ENGINE(test_without_pages)

/* --- what is above -------------------------------------------------------------------------------------------------- */

/* ZeroMQ's protocol over the loop, both ends; large parts are received in place. */
static void test_zmtp(void **state, fh_net_options options) {
    scene c;
    scene_new(state, &c, options);
    scene_free(&c);
    assert_true(zmtp_exchange(state, options, true, ZMTP_LARGE).filled > ZMTP_LARGE / 2);
    assert_true(zmtp_exchange(state, options, false, ZMTP_LARGE).filled > 0);
}
ON_EACH_ENGINE(test_zmtp)

/* System calls of both ends, a round trip: epoll sends, receives and waits at each; io_uring waits. */
static void test_counts(void **state, fh_net_options options) {
    scene c;
    scene_new(state, &c, options);
    c.reads = c.echoes = true;
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    uint64_t there = scene_pair(&c, &at, true);
    scene_send(&c, 1, FH_LIT("warm"));
    scene_until(&c, c.seats[1].received == 4 && c.seats[there].sent == 4);
    uint64_t before = fh_net_stats_get(c.net).system_calls;
    for (size_t i = 1; i <= ROUNDS; i++) {
        scene_send(&c, 1, FH_LIT("word"));
        scene_until(&c, c.seats[1].received == 4 + 4 * i);
    }
    uint64_t calls = fh_net_stats_get(c.net).system_calls - before;
    printf("%s: %.2f system calls a round trip, both ends\n", fh_net_about_get(c.net).name, (double)calls / (double)ROUNDS);
    fh_net_engine engine = fh_net_about_get(c.net).engine;
    assert_true(calls <= (engine == FH_NET_SIM ? 0 : engine == FH_NET_URING ? URING_CALLS : EPOLL_CALLS) * ROUNDS);
    /* What is sent piece by piece leaves together. */
    before = fh_net_stats_get(c.net).system_calls;
    for (size_t i = 0; i < 100; i++)
        scene_send(&c, 1, FH_LIT("word"));
    scene_until(&c, c.seats[1].received == 4 + 4 * ROUNDS + 400);
    assert_true(fh_net_stats_get(c.net).system_calls - before < 40);
    scene_free(&c);
}
ON_EACH_ENGINE(test_counts)

/* --- the choice ------------------------------------------------------------------------------------------ */

/* The loop that the environment, or else the kernel, chooses. */
static fh_net_about choice(fh_page_source *pages) {
    fh_net *net;
    fh_assert_ok(fh_net_new(fh_heap(), pages, NULL, &net, NULL));
    fh_net_about about = fh_net_about_get(net);
    printf("%s: %s; %s\n", about.name, about.detail, about.reason);
    fh_net_free(net);
    return about;
}

static void test_about(void **state) {
    fh_page_source *pages;
    fh_net *net;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_page_source_new(fh_test_allocator(state), NULL, &pages));
    (void)setenv("FREEHOLD_NET", "epoll", 1);
    fh_net_about about = choice(pages);
    assert_int_equal(about.engine, FH_NET_EPOLL);
    assert_string_equal(about.reason, "FREEHOLD_NET says so");
    (void)unsetenv("FREEHOLD_NET");
    about = choice(pages);
    assert_true(about.engine == FH_NET_EPOLL || about.engine == FH_NET_URING);
    fh_net_options wrong = {.sockets_max = UINT32_MAX};
    fh_assert_code(fh_net_new(fh_test_allocator(state), pages, &wrong, &net, &err), FH_INVALID);
    assert_null(net);
    fh_page_source_free(pages);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH_ENGINE(test_echo),           EACH_ENGINE(test_large),          EACH_ENGINE(test_receive_into),
        EACH_ENGINE(test_bytes_stay),     EACH_ENGINE(test_half_close),     EACH_ENGINE(test_reset),
        EACH_ENGINE(test_close_in_flight), EACH_ENGINE(test_free_in_flight), EACH_ENGINE(test_refused),
        EACH_ENGINE(test_many),           EACH_ENGINE(test_limits),         EACH_ENGINE(test_timers),
        EACH_ENGINE(test_wake),           EACH_ENGINE(test_adopt),          EACH_ENGINE(test_no_descriptor),
        EACH_ENGINE(test_without_memory), EACH_ENGINE(test_without_pages),  EACH_ENGINE(test_zmtp),
        EACH_ENGINE(test_counts),         FH_TEST_ALLOC(test_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
