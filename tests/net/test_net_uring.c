/* test_net_uring.c: what is said of io_uring alone: where it is refused, threads, signals, connections without a place, and how
 * often it calls the system. */
#define _GNU_SOURCE 1

#include "fh_seccomp.h"
#include "net_scene.h"

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "freehold/atomic.h"

enum { CALLERS = 80, CROWD = 40, ENDS = 400, PAIRS = 12, ROUNDS = 200 };

/* --- refused ------------------------------------------------------------------------------------------------------------ */

static void run_without_uring(void *arg) {
    fh_page_source *pages;
    fh_net *net;
    fh_err err;
    fh_allocator *a = fh_heap();
    fh_err_clear(&err);
    if (!fh_seccomp_no_uring(*(int *)arg))
        _exit(3);
    (void)unsetenv("FREEHOLD_NET");
    fh_assert_ok(fh_page_source_new(a, NULL, &pages));
    fh_assert_code(fh_net_new(a, pages, &(fh_net_options){.engine = FH_NET_URING}, &net, &err), FH_UNSUPPORTED);
    printf("%s\n", err.message);
    fh_assert_ok(fh_net_new(a, pages, NULL, &net, &err));
    fh_net_about about = fh_net_about_get(net);
    printf("%s: %s\n", about.name, about.reason);
    fh_assert_code(fh_net_wait(net, 0), FH_TIMEOUT);
    fh_net_free(net);
    fh_page_source_free(pages);
    fflush(stdout);
    _exit(about.engine == FH_NET_EPOLL && strstr(about.reason, "io_uring") != NULL ? 0 : 1);
}

/* Where the kernel refuses, the loop runs on epoll and says why; who asks for io_uring gets the reason. */
static void test_refused(void **state) {
    (void)state;
    const int errors[] = {EPERM, ENOSYS, ENOMEM, EINVAL};
    fh_test_skip_on_valgrind("has no filters of system calls");
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        char said[512];
        int error = errors[i], rc = fh_test_child(run_without_uring, &error, said, sizeof said);
        if (WIFEXITED(rc) && WEXITSTATUS(rc) == 3)
            fh_test_skip("this kernel has no seccomp filters");
        assert_int_equal(rc, 0);
    }
}

/* --- threads -------------------------------------------------------------------------------------------------------------- */

static void *wait_once(void *arg) {
    fh_status s = fh_net_wait(((scene *)arg)->net, 0);
    return s.code == FH_INVALID ? arg : NULL;
}

static void *on_another_thread(scene *c) {
    pthread_t thread;
    void *out = NULL;
    assert_int_equal(pthread_create(&thread, NULL, wait_once, c), 0);
    assert_int_equal(pthread_join(thread, &out), 0);
    return out;
}

/* A thread ends that had asked for a receive, an accept and a bell: the next one goes on, and nothing is lost. */
static void test_thread_ends(void **state) {
    scene c;
    scene_new(state, &c, (fh_net_options){.engine = FH_NET_URING});
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    c.reads = true;
    uint64_t there = scene_pair(&c, &at, true);
    scene_send(&c, there, FH_LIT("first "));
    scene_until(&c, c.seats[1].received == 6); /* and the next receive is asked for */
    for (uint64_t i = 0; i < 5; i++) {
        assert_null(on_another_thread(&c));
        scene_send(&c, there, FH_LIT("more"));
        scene_until(&c, c.seats[1].received == 10 + 4 * i);
        scene_dial(&c, &at, 2 + i, false);
        scene_until(&c, c.accepts == 2 + i);
        fh_net_wake(fh_net_waker_get(c.net));
        scene_until(&c, c.woken == i + 1);
    }
    scene_free(&c);
}

/* Who promises one thread is held to it. */
static void test_one_thread(void **state) {
    scene c;
    scene_new(state, &c, (fh_net_options){.engine = FH_NET_URING, .one_thread = true});
    fh_assert_code(fh_net_wait(c.net, 0), FH_TIMEOUT);
    bool deferred = strstr(fh_net_about_get(c.net).detail, "deferred") != NULL;
    assert_true((on_another_thread(&c) != NULL) == deferred);
    fh_assert_code(fh_net_wait(c.net, 0), FH_TIMEOUT);
    scene_free(&c);
}

static void *end_it(void *arg) {
    scene *c = arg;
    (void)scene_listen(c, "127.0.0.1:*");
    fh_assert_code(fh_net_wait(c->net, 0), FH_TIMEOUT); /* an accept and the bell are under way */
    fh_net_end(c->net);
    return NULL;
}

/* A loop of one thread ends there; anybody may free what is left. */
static void test_end(void **state) {
    scene c;
    pthread_t thread;
    scene_new(state, &c, (fh_net_options){.engine = FH_NET_URING, .one_thread = true});
    assert_int_equal(pthread_create(&thread, NULL, end_it, &c), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(fh_net_stats_get(c.net).sockets, 0);
    fh_net_wake(fh_net_waker_get(c.net));
    scene_free(&c);
}

/* --- signals -------------------------------------------------------------------------------------------------------------- */

static void on_alarm(int sig) {
    (void)sig;
}

/* A signal ends a wait, whether or not it showed the kernel something. */
static void test_signal(void **state) {
    scene c;
    struct sigaction action = {.sa_handler = on_alarm}, old;
    struct itimerval soon = {{0, 20000}, {0, 20000}}, off = {{0, 0}, {0, 0}};
    scene_new(state, &c, (fh_net_options){.engine = FH_NET_URING, .one_thread = true});
    fh_assert_code(fh_net_wait(c.net, 0), FH_TIMEOUT);
    (void)scene_listen(&c, "127.0.0.1:*");
    uint64_t before = fh_net_stats_get(c.net).system_calls;
    assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    fh_assert_code(fh_net_wait(c.net, FH_NET_FOREVER), FH_CANCELED); /* an accept is shown */
    fh_assert_code(fh_net_wait(c.net, FH_NET_FOREVER), FH_CANCELED); /* nothing is */
    assert_int_equal(fh_net_stats_get(c.net).system_calls - before, 2);
    assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
    scene_free(&c);
}

/* --- connections without a place ------------------------------------------------------------------------------------------ */

/* More connections than rows, and than can be held: they get places as these become free, or are ended, and none is lost. */
static void test_held(void **state) {
    scene c;
    struct sockaddr_in to = {.sin_family = AF_INET};
    size_t before = open_descriptors();
    int callers[CALLERS];
    scene_new(state, &c, (fh_net_options){.engine = FH_NET_URING, .one_thread = true, .sockets_max = 2});
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    memcpy(&to.sin_addr, at.bytes, 4);
    to.sin_port = (uint16_t)(at.port << 8 | at.port >> 8);
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(callers[i], (struct sockaddr *)&to, sizeof to), 0);
    }
    scene_until(&c, c.accept_fails != 0 && c.accepts == 1);
    assert_int_equal(fh_net_stats_get(c.net).sockets, 2);
    for (uint64_t i = 0; i < 3; i++) { /* a place is free: the first that is held gets it */
        scene_close(&c, c.first_accepted + i);
        scene_until(&c, c.accepts == i + 2);
        assert_int_equal(write(callers[i + 1], "x", 1), 1);
        c.seats[c.first_accepted + i + 1].reads = true;
        fh_assert_ok(fh_net_receive(c.net, c.seats[c.first_accepted + i + 1].s));
        scene_until(&c, c.seats[c.first_accepted + i + 1].received == 1);
    }
    scene_close(&c, 0);
    scene_free(&c);
    for (size_t i = 0; i < CALLERS; i++) {
        char byte;
        assert_true(read(callers[i], &byte, 1) <= 0); /* each was ended */
        (void)close(callers[i]);
    }
    assert_int_equal(open_descriptors(), before);
}

/* --- buffers ------------------------------------------------------------------------------------------------------------- */

/* More receives at once than there are buffers: each gets one in the end. */
static void crowd(void **state, fh_net_options options) {
    scene c;
    scene_new(state, &c, options);
    fh_address at = scene_listen(&c, "127.0.0.1:*");
    for (uint64_t i = 1; i <= CROWD; i++) {
        scene_dial(&c, &at, i, false);
        scene_until(&c, c.seats[i].connected && c.accepts == i);
    }
    for (uint64_t i = 1; i <= CROWD; i++) {
        scene_send(&c, i, FH_LIT("a word"));
        scene_until(&c, c.seats[i].sent == 6);
    }
    for (uint64_t i = 0; i < CROWD; i++)
        fh_assert_ok(fh_net_receive(c.net, c.seats[c.first_accepted + i].s));
    for (uint64_t i = 0; i < CROWD; i++) {
        seat *there = &c.seats[c.first_accepted + i];
        scene_until(&c, there->received == 6 || there->starved);
        assert_false(there->starved);
    }
    scene_free(&c);
}

static void test_crowd(void **state) {
    crowd(state, (fh_net_options){.engine = FH_NET_URING, .one_thread = true});
}

static void test_crowd_old(void **state) {
    crowd(state, uring_of_5_19);
}

/* More sockets close than one wait can show, and for the last of them bytes have come: all of them end. */
static void test_close_many(void **state) {
    scene c;
    static int there[ENDS];
    fh_net_socket here[ENDS];
    size_t before = open_descriptors();
    scene_new(state, &c, (fh_net_options){.engine = FH_NET_URING, .one_thread = true});
    for (size_t i = 0; i < ENDS; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        there[i] = pair[1];
        fh_assert_ok(fh_net_adopt(c.net, pair[0], 1, &here[i], NULL));
        fh_assert_ok(fh_net_receive(c.net, here[i]));
    }
    for (size_t i = 0; i < 4; i++)
        fh_assert_code(fh_net_wait(c.net, 0), FH_TIMEOUT); /* all are asked for */
    for (size_t i = 0; i < ENDS; i++) {
        if (i >= ENDS - 8)
            assert_int_equal(write(there[i], "x", 1), 1);
        fh_assert_ok(fh_net_close(c.net, here[i]));
    }
    for (size_t closed = 0; closed < ENDS;) {
        fh_net_event e;
        fh_assert_ok(fh_net_wait(c.net, 60 * SECOND));
        for (; fh_net_next(c.net, &e).code == FH_OK; closed++)
            assert_int_equal(e.kind, FH_NET_CLOSED);
    }
    for (size_t i = 0; i < ENDS; i++)
        (void)close(there[i]);
    scene_free(&c);
    assert_int_equal(open_descriptors(), before);
}

/* --- anything at any time ------------------------------------------------------------------------------------------------- */

/* An end of a pair: end 2 k and 2 k + 1 are connected. Byte i of what it sends is mark + 7 i. */
typedef struct end {
    fh_net_socket s;
    bool is_open, is_up, reads; /* not closed; not asked to close */
    uint8_t mark;
    size_t sent, received;
    uint8_t room[ROOM_BYTES];
} end;

typedef struct chaos {
    fh_net *net;
    fh_page_source *pages;
    fh_test_rng rng;
    end ends[PAIRS * 2];
    size_t heard, closed;
} chaos;

static void chaos_connect(chaos *c, size_t k) {
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    for (size_t i = 0; i < 2; i++) {
        end *e = &c->ends[2 * k + i];
        *e = (end){.is_open = true, .is_up = true, .mark = (uint8_t)fh_test_rng_next(&c->rng)};
        fh_assert_ok(fh_net_adopt(c->net, pair[i], 2 * k + i, &e->s, NULL));
    }
}

static void chaos_send(chaos *c, end *e) {
    uint8_t bytes[6000];
    fh_bytes piece;
    size_t count = 1 + fh_test_rng_below(&c->rng, sizeof bytes);
    if (fh_net_out_bytes(c->net, e->s) > 400000)
        return;
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(e->mark + 7 * (e->sent + i));
    fh_assert_ok(fh_page_source_copy(c->pages, (fh_span){bytes, count}, &piece));
    e->sent += fh_net_send(c->net, e->s, &piece).code == FH_OK ? count : 0;
    fh_bytes_drop(&piece);
}

static void chaos_receive(chaos *c, end *e) {
    if (e->reads)
        return;
    if (fh_test_rng_below(&c->rng, 2) == 0)
        fh_assert_ok(fh_net_receive(c->net, e->s));
    else
        fh_assert_ok(fh_net_receive_into(c->net, e->s, (fh_mspan){e->room, 1 + fh_test_rng_below(&c->rng, ROOM_BYTES)}));
    e->reads = true;
}

static void chaos_heard(chaos *c, end *e, const end *from, fh_span bytes) {
    for (size_t i = 0; i < bytes.size; i++)
        assert_int_equal(bytes.at[i], (uint8_t)(from->mark + 7 * (e->received + i)));
    e->received += bytes.size;
    c->heard += bytes.size;
    e->reads = false;
}

static void chaos_events(chaos *c) {
    fh_net_event e;
    fh_status s = fh_net_wait(c->net, 0);
    assert_true(s.code == FH_OK || s.code == FH_TIMEOUT);
    while (fh_net_next(c->net, &e).code == FH_OK) {
        end *at = &c->ends[e.user];
        assert_true(at->is_open && (at->is_up || e.kind == FH_NET_CLOSED));
        if (e.kind == FH_NET_RECEIVED)
            chaos_heard(c, at, &c->ends[e.user ^ 1], e.bytes.span);
        if (e.kind == FH_NET_FILLED)
            chaos_heard(c, at, &c->ends[e.user ^ 1], (fh_span){at->room, e.count});
        if (e.kind == FH_NET_CLOSED) {
            at->is_open = false;
            memset(at->room, 0, sizeof at->room); /* ours again: nobody writes there */
            c->closed++;
        }
        fh_net_event_drop(&e);
    }
}

/* Sends, receives of both kinds and closes in any order: what arrives is what was sent, and all that begins ends. */
static void run_chaos(void **state, fh_net_options options) {
    static chaos c;
    size_t before = open_descriptors();
    scene loop;
    scene_new(state, &loop, options);
    c = (chaos){.net = loop.net, .pages = loop.pages, .rng = fh_test_rng_new(7)};
    for (uint64_t step = 0, steps = fh_test_ops() / 50; step < steps; step++) {
        size_t i = fh_test_rng_below(&c.rng, (uint64_t)PAIRS * 2), what = fh_test_rng_below(&c.rng, 32);
        end *e = &c.ends[i], *peer = &c.ends[i ^ 1];
        if (!e->is_open && !peer->is_open)
            chaos_connect(&c, i / 2);
        else if (e->is_up && what < 10)
            chaos_send(&c, e);
        else if (e->is_up && what < 24)
            chaos_receive(&c, e);
        else if (e->is_up && (what == 31 || !peer->is_up)) {
            fh_assert_ok(fh_net_close(c.net, e->s));
            e->is_up = false;
        }
        if (what % 4 == 0)
            chaos_events(&c);
    }
    printf("%s: %zu bytes arrived, %zu ends closed\n", fh_net_about_get(c.net).detail, c.heard, c.closed);
    assert_true(c.heard > 0);
    scene_free(&loop);
    assert_int_equal(open_descriptors(), before);
}

static void test_chaos(void **state) {
    run_chaos(state, (fh_net_options){.engine = FH_NET_URING, .one_thread = true});
}

static void test_chaos_shared(void **state) {
    run_chaos(state, (fh_net_options){.engine = FH_NET_URING});
}

static void test_chaos_old(void **state) {
    run_chaos(state, uring_of_5_19);
}

static void test_chaos_epoll(void **state) {
    run_chaos(state, (fh_net_options){.engine = FH_NET_EPOLL});
}

/* --- counts --------------------------------------------------------------------------------------------------------------- */

typedef struct server {
    fh_allocator *allocator;
    fh_address at;
    uint32_t is_ready, is_over;
    fh_net_engine engine;
} server;

/* Echoes to one connection, on a loop of its own. */
static void *serve(void *arg) {
    server *s = arg;
    fh_page_source *pages;
    fh_net *net;
    fh_net_event e;
    fh_net_socket listener;
    fh_net_options options = {.engine = s->engine, .one_thread = true};
    fh_assert_ok(fh_page_source_new(s->allocator, NULL, &pages));
    fh_assert_ok(fh_net_new(s->allocator, pages, &options, &net, NULL));
    fh_assert_ok(fh_net_listen(net, &s->at, NULL, 0, &listener, NULL));
    fh_assert_ok(fh_net_local(net, listener, &s->at));
    fh_store(&s->is_ready, 1, FH_RELEASE);
    while (fh_load(&s->is_over, FH_ACQUIRE) == 0) {
        fh_status waited = fh_net_wait(net, SECOND / 10);
        assert_true(waited.code == FH_OK || waited.code == FH_TIMEOUT);
        while (fh_net_next(net, &e).code == FH_OK) {
            if (e.kind == FH_NET_RECEIVED && e.bytes.span.size != 0)
                fh_assert_ok(fh_net_send(net, e.socket, &e.bytes));
            if ((e.kind == FH_NET_RECEIVED || e.kind == FH_NET_ACCEPTED) && !fh_failed(e.status))
                fh_assert_ok(fh_net_receive(net, e.socket));
            fh_net_event_drop(&e);
        }
    }
    fh_net_free(net);
    fh_page_source_free(pages);
    return NULL;
}

/* A question and its answer: one call that sends it and tells so, and one that waits for the answer. */
static void test_requester(void **state) {
    scene c;
    pthread_t thread;
    server s = {.allocator = fh_heap(), .engine = FH_NET_URING};
    fh_test_skip_on_valgrind("stops all threads while one waits");
    scene_new(state, &c, (fh_net_options){.engine = FH_NET_URING, .one_thread = true});
    s.at = address_of("127.0.0.1:*");
    assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
    while (fh_load(&s.is_ready, FH_ACQUIRE) == 0)
        fh_os_nap(1000000);
    scene_dial(&c, &s.at, 1, true);
    scene_until(&c, c.seats[1].connected);
    scene_send(&c, 1, FH_LIT("warm"));
    scene_until(&c, c.seats[1].received == 4);
    uint64_t before = fh_net_stats_get(c.net).system_calls;
    for (size_t i = 1; i <= ROUNDS; i++) {
        scene_send(&c, 1, FH_LIT("word"));
        scene_until(&c, c.seats[1].received == 4 + 4 * i);
    }
    uint64_t calls = fh_net_stats_get(c.net).system_calls - before;
    printf("%.2f system calls a round trip at the requester\n", (double)calls / (double)ROUNDS);
    assert_true(calls * 10 <= 22 * ROUNDS);
    fh_store(&s.is_over, 1, FH_RELEASE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    scene_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_refused), FH_TEST_ALLOC(test_thread_ends), FH_TEST_ALLOC(test_one_thread), FH_TEST_ALLOC(test_end),
        FH_TEST_ALLOC(test_signal),  FH_TEST_ALLOC(test_held),        FH_TEST_ALLOC(test_requester),
        FH_TEST_ALLOC(test_crowd),   FH_TEST_ALLOC(test_crowd_old),   FH_TEST_ALLOC(test_close_many),
        FH_TEST_ALLOC(test_chaos),   FH_TEST_ALLOC(test_chaos_shared), FH_TEST_ALLOC(test_chaos_old),
        FH_TEST_ALLOC(test_chaos_epoll),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
