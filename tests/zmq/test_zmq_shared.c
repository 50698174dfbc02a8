/* test_zmq_shared.c: sockets of the types that are drafts, which several threads use at once: whole messages, once; who sleeps
 * is woken, and sent away at the close and at the end of the context.
 *
 * tidy: exempt mirror: it is of the whole layer */
#include <pthread.h>

#include "freehold/os.h"
#include "os/socket.h"
#include "zmq_world.h"

enum { THREADS = 2, EACH = 300, SHORT_MS = 60, NAP_NS = 20000000, MS_NS = 1000000, CALLERS = 4 };

/* --- many and many -------------------------------------------------------------------------------------------------------- */

typedef struct crowd {
    void *client, *server;
    uint32_t number, each, next, strange, asked[THREADS][EACH], answered[THREADS][EACH];
} crowd;

/* What a message says: of whom it is, and its place in the row. */
typedef struct note {
    uint32_t who, i;
} note;

static void count(crowd *c, uint32_t counts[THREADS][EACH], int size, note n) {
    if (size == (int)sizeof n && n.who < THREADS && n.i < c->each)
        (void)fh_fetch_add(&counts[n.who][n.i], 1, FH_RELAXED);
    else
        (void)fh_fetch_add(&c->strange, 1, FH_RELAXED);
}

static void *ask(void *arg) {
    crowd *c = arg;
    note n = {.who = fh_fetch_add(&c->next, 1, FH_RELAXED)};
    for (; n.i < c->each; n.i++)
        if (zmq_send(c->client, &n, sizeof n, 0) != (int)sizeof n)
            (void)fh_fetch_add(&c->strange, 1, FH_RELAXED);
    return NULL;
}

/* With the number of who asked, and what is known of it. */
static void *answer(void *arg) {
    crowd *c = arg;
    for (uint32_t i = 0; i < c->each; i++) {
        zmq_msg_t m;
        note n = {.who = THREADS};
        (void)zmq_msg_init(&m);
        int size = zmq_msg_recv(&m, c->server, 0);
        if (size == (int)sizeof n)
            memcpy(&n, zmq_msg_data(&m), sizeof n);
        count(c, c->asked, size, n);
        if (zmq_msg_routing_id(&m) != c->number || zmq_msg_send(&m, c->server, 0) != (int)sizeof n)
            (void)fh_fetch_add(&c->strange, 1, FH_RELAXED);
        (void)zmq_msg_close(&m);
    }
    return NULL;
}

static void *hear(void *arg) {
    crowd *c = arg;
    for (uint32_t i = 0; i < c->each; i++) {
        note n = {.who = THREADS};
        int size = zmq_recv(c->client, &n, sizeof n, 0);
        count(c, c->answered, size, n);
    }
    return NULL;
}

static void set_number(void *socket, int option, int value) {
    assert_int_equal(zmq_setsockopt(socket, option, &value, sizeof value), 0);
}

/* Two ask and two hear the answers, all with one CLIENT, while two answer with one SERVER. */
static void test_crowd(void **state) {
    (void)state;
    void *(*const bodies[])(void *) = {ask, ask, hear, hear, answer, answer};
    for (int e = 0; e < ENDPOINTS; e++) {
        world w;
        pthread_t threads[6];
        static crowd c;
        c = (crowd){.each = fh_test_ops() < 10000 ? EACH / 10 : EACH};
        pair_up(&w, ZMQ_SERVER, ZMQ_CLIENT, endpoints[e]);
        c.server = w.a;
        c.client = w.b;
        zmq_msg_t first;
        assert_int_equal(zmq_send(c.client, "hi", 2, 0), 2);
        assert_int_equal(zmq_msg_init(&first), 0);
        assert_int_equal(zmq_msg_recv(&first, c.server, 0), 2);
        c.number = zmq_msg_routing_id(&first);
        assert_int_equal(zmq_msg_close(&first), 0);
        for (int i = 0; i < 6; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, bodies[i], &c), 0);
        for (int i = 0; i < 6; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(c.strange, 0);
        for (uint32_t i = 0; i < THREADS; i++)
            for (uint32_t k = 0; k < c.each; k++)
                assert_true(c.asked[i][k] == 1 && c.answered[i][k] == 1);
        end(&w);
    }
}

/* --- who sleeps ----------------------------------------------------------------------------------------------------------- */

/* One call on a thread of its own. */
typedef struct caller {
    pthread_t thread;
    void *socket;
    short events; /* of a poll; 0: it receives */
    int fd;       /* beside it in the poll; -1: none */
    uint32_t *here; /* how many are about to call */
    int result, error;
    short found;
    uint64_t took_ns;
    uint32_t is_done;
} caller;

static void *call(void *arg) {
    caller *t = arg;
    char text[8];
    uint64_t begin = fh_os_clock_ns();
    zmq_pollitem_t items[2] = {{t->socket, -1, t->events, 0}, {NULL, t->fd, ZMQ_POLLIN, 0}};
    errno = 0;
    t->result = t->events != 0 ? zmq_poll(items, t->fd >= 0 ? 2 : 1, 60000) : zmq_recv(t->socket, text, sizeof text, 0);
    t->error = errno;
    t->found = items[0].revents;
    t->took_ns = fh_os_clock_ns() - begin;
    fh_store(&t->is_done, 1, FH_RELEASE);
    return NULL;
}
static void start(caller *t) {
    assert_int_equal(pthread_create(&t->thread, NULL, call, t), 0);
    fh_os_nap(NAP_NS); /* until it sleeps, most likely */
}
static void join(caller *t) {
    assert_int_equal(pthread_join(t->thread, NULL), 0);
}
static bool is_done(caller *t) {
    return fh_load(&t->is_done, FH_ACQUIRE) != 0;
}

/* A CHANNEL whose peer takes two messages and no more. */
static void channels(world *w) {
    w->context = zmq_ctx_new();
    w->a = socket_of(w->context, ZMQ_CHANNEL);
    w->b = socket_of(w->context, ZMQ_CHANNEL);
    set_number(w->a, ZMQ_RCVHWM, 1);
    set_number(w->b, ZMQ_SNDHWM, 1);
    assert_int_equal(zmq_bind(w->a, "inproc://x"), 0);
    assert_int_equal(zmq_connect(w->b, "inproc://x"), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(zmq_send(w->b, "x", 1, 0), 1);
    refused(zmq_send(w->b, "x", 1, ZMQ_DONTWAIT), EAGAIN);
}

/* While one receives and three poll, for this and for that, another sends and sets options. */
static void test_sleepers(void **state) {
    (void)state;
    world w;
    int fds[2];
    char text[4];
    channels(&w);
    assert_int_equal(pipe(fds), 0);
    caller sleepers[CALLERS] = {{.socket = w.b, .fd = -1},
                                {.socket = w.b, .fd = -1, .events = ZMQ_POLLIN},
                                {.socket = w.b, .fd = -1, .events = ZMQ_POLLOUT},
                                {.socket = w.b, .fd = fds[0], .events = ZMQ_POLLIN}};
    for (int i = 0; i < CALLERS; i++)
        start(&sleepers[i]);
    for (int i = 0; i < CALLERS; i++)
        assert_false(is_done(&sleepers[i]));
    set_number(w.b, ZMQ_SNDTIMEO, 60000);
    for (int i = 0; i < 2; i++)
        assert_int_equal(zmq_recv(w.a, text, sizeof text, 0), 1);
    join(&sleepers[2]);
    assert_true(sleepers[2].result == 1 && sleepers[2].found == ZMQ_POLLOUT);
    fh_os_nap(NAP_NS);
    assert_true(!is_done(&sleepers[0]) && !is_done(&sleepers[1]) && !is_done(&sleepers[3]));
    assert_int_equal(zmq_send(w.b, "y", 1, 0), 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(zmq_send(w.a, "z", 1, 0), 1); /* one may be received before the others are seen */
    join(&sleepers[0]);
    assert_int_equal(sleepers[0].result, 1);
    join(&sleepers[1]);
    assert_true(sleepers[1].result == 1 && sleepers[1].found == ZMQ_POLLIN);
    join(&sleepers[3]);
    assert_true(sleepers[3].result == 1 && sleepers[3].found == ZMQ_POLLIN);
    (void)close(fds[0]);
    (void)close(fds[1]);
    end(&w);
}

static void start_all(world *w, caller sleepers[CALLERS], int fd) {
    channels(w);
    const caller all[CALLERS] = {{.socket = w->b, .fd = -1},
                                 {.socket = w->b, .fd = -1},
                                 {.socket = w->b, .fd = -1, .events = ZMQ_POLLIN},
                                 {.socket = w->b, .fd = fd, .events = ZMQ_POLLOUT}};
    for (int i = 0; i < CALLERS; i++)
        sleepers[i] = all[i];
    for (int i = 0; i < CALLERS; i++)
        start(&sleepers[i]);
    for (int i = 0; i < CALLERS; i++)
        assert_false(is_done(&sleepers[i]));
}

static void expect_all(caller sleepers[CALLERS], int error) {
    for (int i = 0; i < CALLERS; i++) {
        join(&sleepers[i]);
        assert_int_equal(sleepers[i].result, -1);
        assert_int_equal(sleepers[i].error, error);
    }
}

static void test_close(void **state) {
    (void)state;
    world w;
    int fds[2];
    caller sleepers[CALLERS];
    assert_int_equal(pipe(fds), 0);
    start_all(&w, sleepers, fds[0]);
    assert_int_equal(zmq_close(w.b), 0);
    expect_all(sleepers, ENOTSOCK);
    refused(zmq_close(w.b), ENOTSOCK);
    assert_int_equal(zmq_close(w.a), 0);
    assert_int_equal(zmq_ctx_term(w.context), 0);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void test_shutdown(void **state) {
    (void)state;
    world w;
    int fds[2];
    caller sleepers[CALLERS];
    assert_int_equal(pipe(fds), 0);
    start_all(&w, sleepers, fds[0]);
    assert_int_equal(zmq_ctx_shutdown(w.context), 0);
    expect_all(sleepers, ETERM);
    end(&w);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* The time of a wait is kept, whatever else wakes it; a wait without time does not begin. */
static void test_time(void **state) {
    (void)state;
    world w;
    channels(&w);
    set_number(w.b, ZMQ_RCVTIMEO, SHORT_MS);
    caller sleeper = {.socket = w.b, .fd = -1};
    start(&sleeper);
    for (int i = 0; i < 6000 && !is_done(&sleeper); i++) {
        char text[4];
        assert_int_equal(zmq_recv(w.a, text, sizeof text, 0), 1);
        assert_int_equal(zmq_send(w.b, "x", 1, 0), 1);
        fh_os_nap(MS_NS);
    }
    assert_true(is_done(&sleeper)); /* while it was woken again and again */
    join(&sleeper);
    assert_true(sleeper.result == -1 && sleeper.error == EAGAIN);
    assert_true(sleeper.took_ns >= (uint64_t)SHORT_MS * MS_NS);
    set_number(w.b, ZMQ_RCVTIMEO, 0);
    char text[4];
    refused(zmq_recv(w.b, text, sizeof text, 0), EAGAIN);
    end(&w);
}

/* The bell of a poll is rung no more when that is over: its descriptor is another one's by then. */
static void test_bell_ends(void **state) {
    (void)state;
    world w;
    int fd, error;
    char text[4];
    pair_up(&w, ZMQ_CHANNEL, ZMQ_CHANNEL, "inproc://x");
    zmq_pollitem_t item = {w.a, -1, ZMQ_POLLIN, 0};
    assert_int_equal(zmq_poll(&item, 1, 1), 0);
    assert_int_equal(fh_os_bell_open(&fd, &error).code, FH_OK);
    assert_int_equal(zmq_send(w.b, "x", 1, 0), 1);
    zmq_pollitem_t bell = {NULL, fd, ZMQ_POLLIN, 0};
    assert_int_equal(zmq_poll(&bell, 1, 0), 0);
    assert_int_equal(zmq_recv(w.a, text, sizeof text, 0), 1);
    fh_os_close(fd);
    end(&w);
}

/* Two close one socket: one does, the other hears that it is none. */
static void *close_it(void *arg) {
    caller *t = arg;
    (void)fh_fetch_add(t->here, 1, FH_ACQ_REL);
    while (fh_load(t->here, FH_ACQUIRE) != 2)
        fh_pause();
    errno = 0;
    t->result = zmq_close(t->socket);
    t->error = errno;
    return NULL;
}
static void test_two_close(void **state) {
    (void)state;
    void *context = zmq_ctx_new();
    for (uint64_t i = 0; i < 200 + fh_test_ops() / 500; i++) {
        uint32_t here = 0;
        caller t[2] = {{.socket = socket_of(context, ZMQ_CLIENT), .here = &here}};
        t[1] = t[0];
        for (int k = 0; k < 2; k++)
            assert_int_equal(pthread_create(&t[k].thread, NULL, close_it, &t[k]), 0);
        join(&t[0]);
        join(&t[1]);
        assert_int_equal(t[0].result + t[1].result, -1);
        assert_int_equal(t[t[1].result == -1].error, ENOTSOCK);
    }
    assert_int_equal(zmq_ctx_term(context), 0);
}

/* The classic types are one thread's. */
static void test_classic(void **state) {
    (void)state;
    world w;
    pair_up(&w, ZMQ_PAIR, ZMQ_PAIR, "inproc://x");
    caller sleeper = {.socket = w.a, .fd = -1};
    start(&sleeper);
    refused(zmq_send(w.a, "x", 1, 0), EBUSY);
    refused(zmq_close(w.a), EBUSY);
    assert_int_equal(zmq_send(w.b, "x", 1, 0), 1);
    join(&sleeper);
    assert_int_equal(sleeper.result, 1);
    end(&w);
}

int main(void) {
    zmq_world_name();
    const struct CMUnitTest tests[] = {FH_ZMQ_TEST(test_crowd),     FH_ZMQ_TEST(test_sleepers), FH_ZMQ_TEST(test_close),
                                       FH_ZMQ_TEST(test_shutdown),  FH_ZMQ_TEST(test_time),     FH_ZMQ_TEST(test_bell_ends),
                                       FH_ZMQ_TEST(test_two_close), FH_ZMQ_TEST(test_classic)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
