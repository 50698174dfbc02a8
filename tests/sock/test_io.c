/* test_io.c: several I/O threads in a context (io.h, handover.h, shakes.h): which of them has what, what they hold together,
 * and their ends. Suites of connections run with four of them besides (CMakeLists.txt: …_io). Tests wait for things and not for
 * times. */
#define _GNU_SOURCE 1

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "freehold/atomic.h"
#include "sock/io.h"
#include "conn_world.h"

enum { THREADS = 4, MANY = 24 };

static world world_with(void **state, uint32_t io_threads) {
    return world_of(state, (fh_sock_context_options){.sockets_max = 64, .io_threads = io_threads});
}

/* How many rows each I/O thread has, in text: "1 2 0 3". */
static wire_name loads(world w) {
    wire_name out = {""};
    size_t at = 0;
    for (uint32_t i = 0; i < w.c->ios.count; i++)
        at += (size_t)snprintf(&out.text[at], sizeof out.text - at, i != 0 ? " %u" : "%u",
                               (unsigned)fh_load(&fh_io_at(w.c, i)->load, FH_ACQUIRE));
    return out;
}
/* Rows end a moment after their sockets: waits for that. */
static void await_loads(world w, const char *expected) {
    uint64_t end = fh_os_clock_ns() + (uint64_t)LONG_MS * 1000000;
    while (strcmp(loads(w).text, expected) != 0 && fh_os_clock_ns() < end)
        fh_os_nap(1000000);
    assert_string_equal(loads(w).text, expected);
}

static int dial_to(wire_name n) {
    struct sockaddr_in to = {.sin_family = AF_INET};
    const char *port = strrchr(n.text, ':');
    assert_non_null(port);
    to.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* --- which of them -------------------------------------------------------------------------------------------------------- */

static void test_limits(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_sock_context *c;
    fh_net_sim_options sim = {.seed = 1};
    fh_assert_code(fh_sock_context_new(a, &(fh_sock_context_options){.io_threads = 17}, &c), FH_LIMIT);
    assert_null(c);
    fh_assert_code(fh_sock_context_new(a, &(fh_sock_context_options){.io_threads = 2, .sim = &sim}, &c), FH_UNSUPPORTED);
    assert_null(c);
    fh_assert_ok(fh_sock_context_new(a, &(fh_sock_context_options){.io_threads = 1, .sim = &sim}, &c));
    fh_sock_context_free(c);
    for (uint32_t n = 0; n <= FH_SOCK_IO_THREADS_MAX; n += n != 2 ? 1 : FH_SOCK_IO_THREADS_MAX - 2) {
        world w = world_with(state, n);
        assert_int_equal(w.c->ios.count, n != 0 ? n : 1);
        fh_sock pull = open_patient(w, FH_ZMTP_PULL);
        fh_sock push = connect_patient(w, FH_ZMTP_PUSH, bind_fresh(w, pull, TCP));
        tell(w, push, "there");
        await(w, pull, "there");
        world_free(w);
    }
}

/* Endpoints and connections go to whoever has least; what ends leaves its place. */
static void test_spread(void **state) {
    world w = world_with(state, THREADS);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL), push[MANY];
    watch_all(w, pull);
    wire_name n = bind_fresh(w, pull, TCP);
    assert_string_equal(loads(w).text, "1 0 0 0");
    for (int i = 0; i < MANY; i++) { /* two rows each: who connects, and what has come */
        push[i] = connect_patient(w, FH_ZMTP_PUSH, n);
        (void)await_event(w, pull, FH_SOCK_IS_HANDSHAKE_SUCCEEDED);
    }
    await_loads(w, "13 12 12 12");
    for (int i = 0; i < MANY; i++)
        tell(w, push[i], "one");
    for (int i = 0; i < MANY; i++)
        await(w, pull, "one");
    for (int i = 0; i < MANY; i++)
        close_sock(w, push[i]);
    await_loads(w, "1 0 0 0");
    fh_assert_ok(fh_sock_unbind(w.c, pull, fh_span_of_str(n.text)));
    await_loads(w, "0 0 0 0");
    world_free(w);
}

/* AFFINITY names who may have it: the listener, what comes to it, and who connects. */
static void test_affinity(void **state) {
    world w = world_with(state, THREADS);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL), push[4];
    watch_all(w, pull);
    set(w, pull, FH_SOCK_AFFINITY, 1 << 4);
    fh_err err = {0};
    fh_assert_code(fh_sock_bind(w.c, pull, FH_LIT("tcp://127.0.0.1:*"), &err), FH_INVALID);
    assert_true(fh_span_find(fh_span_of_str(err.message), FH_LIT("AFFINITY names none of the 4 I/O threads"), 0) != SIZE_MAX);
    assert_int_equal(bind_to(w, pull, "inproc://anywhere"), FH_OK); /* no I/O thread is asked */
    fh_assert_code(fh_sock_set(w.c, pull, FH_SOCK_AFFINITY, -1), FH_INVALID);
    set(w, pull, FH_SOCK_AFFINITY, 1 << 1 | 1 << 3 | 1 << 8);
    wire_name n = bind_fresh(w, pull, TCP);
    assert_string_equal(loads(w).text, "0 1 0 0");
    for (int i = 0; i < 4; i++) {
        push[i] = open_patient(w, FH_ZMTP_PUSH);
        set(w, push[i], FH_SOCK_AFFINITY, 1 << 2);
        connect_to(w, push[i], n.text);
        (void)await_event(w, pull, FH_SOCK_IS_HANDSHAKE_SUCCEEDED);
        tell(w, push[i], "there");
        await(w, pull, "there");
    }
    assert_string_equal(loads(w).text, "0 3 4 2"); /* of two with as little the first: 3 gets the first one */
    fh_assert_ok(fh_sock_disconnect(w.c, push[3], fh_span_of_str(n.text)));
    await_loads(w, "0 2 3 2");
    world_free(w);
}

/* What came to a name ends with it, wherever it is; what came to another one stays. */
static void test_unbind(void **state) {
    world w = world_with(state, THREADS);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL), guest = open_patient(w, FH_ZMTP_PUSH);
    set(w, pull, FH_SOCK_UNBIND_ENDS, 1);
    set(w, guest, FH_SOCK_RECONNECT_IVL, -1);
    watch_all(w, pull);
    watch_all(w, guest);
    wire_name stays = bind_fresh(w, pull, TCP), ends = bind_fresh(w, pull, TCP);
    fh_sock friend = connect_patient(w, FH_ZMTP_PUSH, stays);
    (void)await_event(w, pull, FH_SOCK_IS_HANDSHAKE_SUCCEEDED);
    for (int i = 0; i < 8; i++) {
        connect_to(w, guest, ends.text);
        (void)await_event(w, pull, FH_SOCK_IS_HANDSHAKE_SUCCEEDED);
    }
    await_loads(w, "5 5 5 5");
    fh_assert_ok(fh_sock_unbind(w.c, pull, fh_span_of_str(ends.text)));
    for (int i = 0; i < 8; i++)
        (void)await_event(w, guest, FH_SOCK_IS_DISCONNECTED);
    uint64_t end = fh_os_clock_ns() + (uint64_t)LONG_MS * 1000000;
    for (uint32_t rows = 20; rows != 3;) { /* two of `stays`, and who connected to it */
        rows = 0;
        for (uint32_t i = 0; i < THREADS; i++)
            rows += fh_load(&fh_io_at(w.c, i)->load, FH_ACQUIRE);
        assert_true(fh_os_clock_ns() < end);
    }
    tell(w, friend, "still there");
    await(w, pull, "still there");
    fh_assert_code(fh_sock_unbind(w.c, pull, fh_span_of_str(ends.text)), FH_NOT_FOUND);
    world_stop(w);
}

/* --- what they hold together ---------------------------------------------------------------------------------------------- */

/* Handshakes of one address are counted together, whoever has them. */
static void test_half_open(void **state) {
    enum { MOST = 6 };
    world w = world_with(state, THREADS);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL);
    set(w, pull, FH_SOCK_HALF_OPEN_MAX, MOST);
    watch_all(w, pull);
    wire_name n = bind_fresh(w, pull, TCP);
    int fd[MOST];
    for (int i = 0; i < MOST; i++) {
        fd[i] = dial_to(n);
        (void)await_event(w, pull, FH_SOCK_IS_ACCEPTED);
    }
    assert_string_equal(loads(w).text, "2 2 2 1");
    for (int i = 0; i < 3; i++) {
        await_end(dial_to(n));
        assert_int_equal(await_event(w, pull, FH_SOCK_IS_ACCEPT_FAILED), 0);
    }
    assert_string_equal(loads(w).text, "2 2 2 1"); /* who was sent away has no row */
    for (int i = 0; i < MOST; i++) {
        close(fd[i]);
        (void)await_event(w, pull, FH_SOCK_IS_DISCONNECTED);
    }
    await_loads(w, "1 0 0 0");
    for (int i = 0; i < 2 * MOST; i++) { /* nothing is left of those who failed, nor of those who did not */
        fh_sock push = connect_patient(w, FH_ZMTP_PUSH, n);
        tell(w, push, "in");
        await(w, pull, "in");
    }
    assert_int_equal(w.c->shakes.used, 0);
    world_stop(w);
}

/* Rows run out when those of all have. */
static void test_rows(void **state) {
    world w = world_with(state, 2);
    fh_sock dealer = open_patient(w, FH_ZMTP_DEALER), full = open_patient(w, FH_ZMTP_DEALER);
    set(w, full, FH_SOCK_RECONNECT_IVL, 60000);
    connect_to(w, dealer, "ipc://@fh-nobody-is-here");
    uint32_t all = FH_IO_ROWS;
    for (uint32_t i = 0; i < 2; i++) /* as if so many were live */
        fh_store(&fh_io_at(w.c, i)->load, all - 1, FH_RELAXED);
    connect_to(w, full, "ipc://@fh-nobody-is-there");
    assert_string_equal(loads(w).text, "4096 4095");
    connect_to(w, full, "ipc://@fh-nobody-is-there");
    assert_string_equal(loads(w).text, "4096 4096");
    fh_assert_code(fh_sock_connect(w.c, full, FH_LIT("ipc://@fh-nobody-is-there"), NULL), FH_EXHAUSTED);
    fh_assert_ok(fh_sock_disconnect(w.c, full, FH_LIT("ipc://@fh-nobody-is-there")));
    await_loads(w, "4095 4096");
    connect_to(w, full, "ipc://@fh-nobody-is-there");
    world_stop(w);
}

/* --- many, of all types --------------------------------------------------------------------------------------------------- */

enum { TALKERS = 6, LIVES = 3, ROUNDS = 40 };

typedef struct talker {
    world w;
    wire_name n;
    fh_sock own;
    uint32_t number;
    bool failed;
    pthread_t thread;
} talker;

/* Threads of a test do not end it; they say that they failed. */
static bool say_there(talker *t, fh_sock s, const char *text) {
    fh_message m = {0};
    fh_status status = fh_message_push_copy(&m, t->w.a, fh_span_of_str(text));
    if (!fh_failed(status))
        status = fh_sock_send(t->w.c, s, &m);
    fh_message_drop(&m, t->w.a);
    return !fh_failed(status);
}
static bool hear_there(talker *t, fh_sock s, const char *text) {
    fh_message m = {0};
    bool came = !fh_failed(fh_sock_receive(t->w.c, s, &m)) && fh_message_count(&m) == 1;
    bool same = came && fh_span_is(fh_message_view(&m, 0), text);
    fh_message_drop(&m, t->w.a);
    return same;
}
static bool open_there(talker *t, fh_zmtp_socket type, fh_sock *s) {
    return !fh_failed(fh_sock_open(t->w.c, type, s)) && !fh_failed(fh_sock_set(t->w.c, *s, FH_SOCK_RECEIVE_TIMEOUT, LONG_MS)) &&
           !fh_failed(fh_sock_set(t->w.c, *s, FH_SOCK_SEND_TIMEOUT, LONG_MS)) &&
           !fh_failed(fh_sock_connect(t->w.c, *s, fh_span_of_str(t->n.text), NULL));
}

/* A REQ that this thread drives by itself now and then, and one that waits in a poll; both come and go. */
static void *ask_and_leave(void *arg) {
    talker *t = arg;
    for (int life = 0; life < LIVES && !t->failed; life++) {
        fh_sock req = {0};
        t->failed = !open_there(t, FH_ZMTP_REQ, &req);
        for (int i = 0; i < ROUNDS && !t->failed; i++) {
            char text[48];
            (void)snprintf(text, sizeof text, "%u of %d asks %d", (unsigned)t->number, life, i);
            t->failed = !say_there(t, req, text);
            fh_sock_poll_item item = {req, FH_SOCK_READABLE, 0};
            size_t count = 0;
            if (i % 5 == 0 && !t->failed)
                t->failed = fh_failed(fh_sock_poll(t->w.c, (fh_sock_poll_items){&item, 1}, LONG_MS, &count));
            t->failed = t->failed || !hear_there(t, req, text);
        }
        t->failed = fh_failed(fh_sock_close(t->w.c, req)) || t->failed;
    }
    return NULL;
}

/* Gives back what comes, until the context stops. */
static void *give_back(void *arg) {
    talker *t = arg;
    for (;;) {
        fh_message m = {0};
        fh_status s = fh_sock_receive(t->w.c, t->own, &m);
        if (!fh_failed(s))
            s = fh_sock_send(t->w.c, t->own, &m);
        fh_message_drop(&m, t->w.a);
        t->failed = fh_failed(s) && s.code != FH_CANCELED;
        if (fh_failed(s))
            return NULL;
    }
}

static void start(talker *t, void *(*run)(void *)) {
    assert_int_equal(pthread_create(&t->thread, NULL, run, t), 0);
}
static void finish(talker *t) {
    assert_int_equal(pthread_join(t->thread, NULL), 0);
    assert_false(t->failed);
}

/* Threads that ask a ROUTER, and a REP of its own each, and are gone and back, while messages are published. */
static void test_many(void **state) {
    world w = world_with(state, THREADS);
    talker router = {.w = w, .own = open_sock(w, FH_ZMTP_ROUTER)}, rep[2], asker[TALKERS];
    wire_name at_router = bind_fresh(w, router.own, TCP), at_pub;
    start(&router, give_back);
    for (uint32_t i = 0; i < 2; i++) {
        rep[i] = (talker){.w = w, .own = open_sock(w, FH_ZMTP_REP)};
        rep[i].n = bind_fresh(w, rep[i].own, i != 0 ? IPC : TCP);
        start(&rep[i], give_back);
    }
    for (uint32_t i = 0; i < TALKERS; i++) {
        asker[i] = (talker){.w = w, .number = i, .n = i < 2 ? rep[i].n : at_router};
        start(&asker[i], ask_and_leave);
    }
    fh_sock pub = open_patient(w, FH_ZMTP_XPUB), sub[TALKERS];
    set(w, pub, FH_SOCK_XPUB_VERBOSE, 1);
    at_pub = bind_fresh(w, pub, ABSTRACT);
    for (uint32_t i = 0; i < TALKERS; i++) {
        sub[i] = connect_patient(w, FH_ZMTP_SUB, at_pub);
        fh_assert_ok(fh_sock_subscribe(w.c, sub[i], FH_LIT("")));
        await(w, pub, "\1");
    }
    for (int round = 0; round < ROUNDS; round++) {
        tell(w, pub, "news|of all");
        for (uint32_t i = 0; i < TALKERS; i++)
            await(w, sub[i], "news|of all");
    }
    for (uint32_t i = 0; i < TALKERS; i++)
        finish(&asker[i]);
    fh_sock_context_stop(w.c);
    finish(&router);
    for (uint32_t i = 0; i < 2; i++)
        finish(&rep[i]);
    world_free(w);
}

/* --- ends ----------------------------------------------------------------------------------------------------------------- */

typedef struct visitor {
    wire_name n;
    uint32_t stop, came;
    pthread_t thread;
} visitor;

/* Comes, speaks or not, and goes; again and again, until nobody is there. */
static void *visit(void *arg) {
    uint8_t words[64 + 28 + 6] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    visitor *v = arg;
    const char *port = strrchr(v->n.text, ':');
    memcpy(&words[64], "\4\32\5READY\13Socket-Type\0\0\0\4PUSH\0\4here", sizeof words - 64);
    while (port != NULL && fh_load(&v->stop, FH_ACQUIRE) == 0) {
        struct sockaddr_in to = {.sin_family = AF_INET};
        to.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
            if (fd >= 0)
                close(fd);
            fh_os_nap(1000000);
            continue;
        }
        uint32_t turn = fh_fetch_add(&v->came, 1, FH_ACQ_REL);
        if (turn % 3 != 0)
            (void)!send(fd, words, turn % 3 == 1 ? 70 : sizeof words, MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}
static void visits_begin(visitor *v, wire_name n) {
    *v = (visitor){.n = n};
    assert_int_equal(pthread_create(&v->thread, NULL, visit, v), 0);
    while (fh_load(&v->came, FH_ACQUIRE) < 20)
        fh_os_nap(100000);
}
static void visits_end(visitor *v) {
    fh_store(&v->stop, 1, FH_RELEASE);
    assert_int_equal(pthread_join(v->thread, NULL), 0);
}

/* A context ends while connections come, shake hands, are handed over, and go. */
static void test_end_amid(void **state) {
    for (int life = 0; life < 12; life++) {
        world w = world_with(state, life % 3 == 0 ? 2 : THREADS);
        visitor v;
        fh_sock pull = open_patient(w, FH_ZMTP_PULL);
        set(w, pull, FH_SOCK_HALF_OPEN_MAX, 0);
        wire_name n = bind_fresh(w, pull, TCP);
        fh_sock push = connect_patient(w, FH_ZMTP_PUSH, n), nowhere = open_patient(w, FH_ZMTP_REQ);
        set(w, nowhere, FH_SOCK_LINGER, 0);
        set(w, push, FH_SOCK_LINGER, 300); /* the listener may be closed before it has connected */
        connect_to(w, nowhere, "ipc://@fh-nobody-is-here");
        visits_begin(&v, n);
        int silent[3] = {dial_to(n), dial_to(n), dial_to(n)};
        tell(w, push, "amid");
        if (life % 2 == 0)
            fh_sock_context_stop(w.c);
        world_free(w); /* the sockets are open; with life % 2 != 0 what was sent may leave */
        visits_end(&v);
        for (int i = 0; i < 3; i++)
            await_end(silent[i]);
    }
}

/* What came to a listener, and is on its way to its I/O thread, is not the next socket's with that number. */
static void test_next_socket(void **state) {
    world w = world_with(state, THREADS);
    for (int life = 0; life < 25; life++) {
        visitor v;
        fh_sock pull = open_patient(w, FH_ZMTP_PULL);
        set(w, pull, FH_SOCK_HALF_OPEN_MAX, 0);
        set(w, pull, FH_SOCK_LINGER, 0);
        visits_begin(&v, bind_fresh(w, pull, TCP));
        close_sock(w, pull);
        fh_sock next = open_patient(w, FH_ZMTP_PULL);
        assert_int_equal((uint32_t)next.value, (uint32_t)pull.value);
        visits_end(&v);
        await_loads(w, "0 0 0 0");
        hear_none(w, next);
        close_sock(w, next);
    }
    world_free(w);
}

/* --- when there is no room ------------------------------------------------------------------------------------------------ */

static fh_status one_life(fh_allocator *a) {
    fh_sock_context *c;
    fh_sock pull, push;
    fh_bytes name = {NULL, {NULL, 0}};
    fh_message m = {0};
    FH_TRY(fh_sock_context_new(a, &(fh_sock_context_options){.sockets_max = 4, .io_threads = 3}, &c));
    fh_status s = fh_sock_open(c, FH_ZMTP_PULL, &pull);
    s = fh_failed(s) ? s : fh_sock_open(c, FH_ZMTP_PUSH, &push);
    s = fh_failed(s) ? s : fh_sock_set(c, push, FH_SOCK_RECONNECT_IVL, 1);
    s = fh_failed(s) ? s : fh_sock_set(c, push, FH_SOCK_AFFINITY, 2); /* so what it sends arrives at another thread */
    s = fh_failed(s) ? s : fh_sock_set(c, pull, FH_SOCK_RECEIVE_TIMEOUT, LONG_MS);
    s = fh_failed(s) ? s : fh_sock_bind(c, pull, FH_LIT("tcp://127.0.0.1:*"), NULL);
    s = fh_failed(s) ? s : fh_sock_last_endpoint(c, pull, &name);
    s = fh_failed(s) ? s : fh_sock_connect(c, push, name.span, NULL);
    s = fh_failed(s) ? s : fh_message_push_copy(&m, a, FH_LIT("comes, whatever fails"));
    s = fh_failed(s) ? s : fh_sock_send(c, push, &m);
    fh_message_clear(&m, a);
    s = fh_failed(s) ? s : fh_sock_receive(c, pull, &m); /* a dialler that was turned away tries again */
    bool came = fh_message_count(&m) == 1 && fh_span_is(fh_message_view(&m, 0), "comes, whatever fails");
    fh_message_drop(&m, a);
    fh_bytes_drop(&name);
    fh_sock_context_stop(c);
    fh_sock_context_free(c);
    return fh_failed(s) || came ? s : FH_STATUS(FH_CORRUPT);
}

static void test_each_allocation_fails(void **state) {
    fh_trace *t = fh_test_trace(state);
    uint64_t before = fh_trace_stats(t).allocs;
    fh_assert_ok(one_life(fh_test_allocator(state)));
    uint64_t count = fh_trace_stats(t).allocs - before;
    assert_true(count > 40);
    for (uint64_t i = 1; i <= count; i++) {
        fh_trace_fail_at(t, i);
        fh_status s = one_life(fh_test_allocator(state));
        if (s.code != FH_OK && s.code != FH_NOMEM)
            fail_msg("allocation %llu failing: %s", (unsigned long long)i, fh_code_name(s.code));
        assert_int_equal(fh_trace_stats(t).live, 0);
    }
    fh_trace_fail_at(t, 0);
}

static size_t tasks(void) {
    DIR *dir = opendir("/proc/self/task");
    size_t count = 0;
    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        (void)closedir(dir);
    return count;
}

/* The system refuses the first thread, the second …: nothing stays of those that there were, and later it works. */
static int start_with_few(fh_allocator *a) {
    enum { MOST = 400 };
    fh_sock_context *c;
    fh_sock s;
    struct rlimit was, now;
    int refused = 0;
    fh_sock_context_options options = {.io_threads = 4};
    if (getrlimit(RLIMIT_NPROC, &was) != 0 || fh_failed(fh_sock_context_new(a, &options, &c)))
        return 10;
    if (fh_failed(fh_sock_open(c, FH_ZMTP_PULL, &s)))
        return 11;
    size_t files = descriptors(), threads = tasks();
    fh_status status = FH_STATUS(FH_NOMEM);
    for (rlim_t n = 1; fh_failed(status); n = n < MOST ? n + 1 : was.rlim_cur) {
        now = (struct rlimit){n, was.rlim_max};
        if (setrlimit(RLIMIT_NPROC, &now) != 0)
            return 12;
        status = fh_sock_bind(c, s, FH_LIT("tcp://127.0.0.1:*"), NULL);
        if (!fh_failed(status))
            break;
        refused++;
        if (status.code != FH_NOMEM || n == was.rlim_cur)
            return 13;
        if (descriptors() != files || tasks() != threads)
            return 14;
    }
    if (tasks() != threads + 4)
        return 15;
    fh_sock_context_free(c);
    if (tasks() != threads || refused == 0)
        return 16;
    return 0;
}

static void test_threads_refused(void **state) {
    fh_test_skip_on_valgrind("its threads are not the system's");
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && setresuid(54321, 54321, 54321) != 0) /* no limit counts for root */
            _exit(20);
        _exit(start_with_few(fh_test_allocator(state)));
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_limits),    FH_TEST_ALLOC(test_spread), FH_TEST_ALLOC(test_affinity), FH_TEST_ALLOC(test_unbind),
        FH_TEST_ALLOC(test_half_open), FH_TEST_ALLOC(test_rows),   FH_TEST_ALLOC(test_many),
        FH_TEST_ALLOC(test_end_amid),  FH_TEST_ALLOC(test_next_socket),
        FH_TEST_ALLOC(test_each_allocation_fails), FH_TEST_ALLOC(test_threads_refused),
    };
    return run_where_possible("test_io", tests, sizeof tests / sizeof *tests);
}
