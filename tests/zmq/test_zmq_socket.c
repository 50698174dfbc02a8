/* test_zmq_socket.c: contexts, sockets, events and proxies as a program in C has them: calls by the documented
 * interface, and what happens to those who misuse it: an error, each time (zmq_handle.c, zmq_context.c, zmq_socket.c,
 * zmq_proxy.c). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "freehold/os.h"
#include "zmq_world.h"

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

/* What lies beside a handle is none: neither bits that it does not use, nor its next life. */
static void test_neighbours(void **state) {
    world w;
    (void)state;
    pair_up(&w, ZMQ_PAIR, ZMQ_PAIR, "inproc://x");
    for (uint64_t bit = 1; bit != 0; bit <<= 1) {
        void *other = (void *)(uintptr_t)((uint64_t)(uintptr_t)w.a ^ bit);
        if (other != w.b)
            refused(zmq_setsockopt(other, ZMQ_SUBSCRIBE, "", 0), ENOTSOCK);
    }
    void *gone = w.b;
    assert_int_equal(zmq_close(gone), 0);
    refused(zmq_close((void *)((uintptr_t)gone + (1 << 20))), ENOTSOCK); /* an even generation: a free row */
    w.b = socket_of(w.context, ZMQ_PAIR);
    refused(zmq_close((void *)((uintptr_t)w.b + (1 << 20))), ENOTSOCK);
    end(&w);
}

/* Who is in a socket finds it busy, as a second thread would; and disturbs nothing. */
static void call_back(void *data, void *hint) {
    world *w = hint;
    char text[8];
    assert_ptr_equal(data, w->endpoint);
    refused(zmq_send(w->a, "x", 1, 0), EBUSY);
    refused(zmq_recv(w->a, text, sizeof text, 0), EBUSY);
    refused(zmq_setsockopt(w->a, ZMQ_XPUB_WELCOME_MSG, "x", 1), EBUSY);
    refused(zmq_proxy(w->a, w->b, NULL), EBUSY);
    refused(zmq_close(w->a), EBUSY);
    zmq_pollitem_t item = {w->a, -1, ZMQ_POLLIN, 0};
    refused(zmq_poll(&item, 1, 0), EBUSY);
    w->endpoint[0] = 0;
}

static void test_busy(void **state) {
    world w;
    (void)state;
    zmq_msg_t msg;
    pair_up(&w, ZMQ_XPUB, ZMQ_SUB, "inproc://x"); /* to which nobody has subscribed, so messages are dropped at once */
    assert_int_equal(zmq_msg_init_data(&msg, w.endpoint, 60, call_back, &w), 0);
    assert_int_equal(zmq_msg_send(&msg, w.a, 0), 60);
    assert_int_equal(w.endpoint[0], 0);
    assert_int_equal(zmq_msg_close(&msg), 0);
    end(&w);
}

/* A context has so many sockets, and none once it was shut. */
static void test_limits(void **state) {
    (void)state;
    int one = 1;
    void *context = zmq_ctx_new();
    assert_int_equal(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 2), 0);
    void *a = socket_of(context, ZMQ_PAIR), *b = socket_of(context, ZMQ_PAIR);
    refused_null(zmq_socket(context, ZMQ_PAIR), EMFILE);
    assert_int_equal(zmq_close(b), 0);
    refused_null(zmq_socket(context, -1), EINVAL);
    refused_null(zmq_socket(context, 100), EINVAL);
    b = socket_of(context, ZMQ_PAIR);
    assert_int_equal(zmq_ctx_shutdown(context), 0);
    refused(zmq_setsockopt(a, ZMQ_RATE, &one, sizeof one), ETERM);
    refused(zmq_bind(a, "inproc://x"), ETERM);
    assert_int_equal(zmq_close(b), 0);
    refused_null(zmq_socket(context, ZMQ_PAIR), ETERM);
    assert_int_equal(zmq_close(a), 0);
    assert_int_equal(zmq_ctx_term(context), 0);
    context = zmq_ctx_new(); /* shut before its first socket */
    assert_int_equal(zmq_ctx_shutdown(context), 0);
    refused_null(zmq_socket(context, ZMQ_PAIR), ETERM);
    assert_int_equal(zmq_ctx_term(context), 0);
}

/* A child forgets what its parent has, and ends nothing. */
typedef struct family {
    world w;
    fh_trace *trace; /* NULL: a thread of the parent's may have had its lock */
} family;

static void forget(void *arg) {
    family *f = arg;
    uint64_t live = f->trace != NULL ? fh_trace_stats(f->trace).live : 0;
    bool ended = zmq_close(f->w.a) == 0 && zmq_close(f->w.b) == 0 && zmq_ctx_term(f->w.context) == 0;
    _exit(ended && (f->trace == NULL || fh_trace_stats(f->trace).live == live) ? 0 : 1);
}

static void test_fork(void **state) {
    char said[200];
    for (int i = 0; i < ENDPOINTS; i++) {
        family f = {.trace = i == 0 ? fh_test_trace(state) : NULL};
        pair_up(&f.w, ZMQ_PAIR, ZMQ_PAIR, endpoints[i]);
        assert_int_equal(fh_test_child(forget, &f, said, sizeof said), 0);
        assert_int_equal(zmq_send(f.w.b, "x", 1, 0), 1);
        assert_int_equal(zmq_recv(f.w.a, said, sizeof said, 0), 1);
        end(&f.w);
    }
}

static void *wait_inside(void *socket) {
    char text[8];
    int result;
    do
        result = zmq_recv(socket, text, sizeof text, 0);
    while (result == -1 && zmq_errno() == EBUSY); /* who looks whether it is in there was in its way */
    return (void *)(intptr_t)result;
}

static void *terminate(void *context) {
    return (void *)(intptr_t)zmq_ctx_term(context);
}

/* Until a call with the socket is refused so. */
static void until_refused(void *socket, int number) {
    int type;
    size_t size = sizeof type;
    while (zmq_getsockopt(socket, ZMQ_TYPE, &type, &size) == 0)
        fh_os_nap(1000000);
    assert_int_equal(zmq_errno(), number);
}

typedef struct relatives {
    world w;
    void *ending, *last; /* a context that a thread waits for the end of, and its socket */
} relatives;

static void forget_busy(void *arg) {
    relatives *r = arg;
    (void)alarm(60); /* a wait for a thread that is not there */
    bool ended = zmq_close(r->w.context) == -1 && zmq_ctx_term(r->w.a) == -1; /* neither is what it is called */
    ended = ended && zmq_close(r->w.a) == 0 && zmq_close(r->w.b) == 0 && zmq_close(r->last) == 0;
    ended = ended && zmq_ctx_term(r->w.context) == 0 && zmq_ctx_term(r->ending) == 0;
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_PAIR); /* its own */
    ended = ended && zmq_close(r->w.a) == -1 && zmq_ctx_term(r->ending) == -1;
    _exit(ended && zmq_close(socket) == 0 && zmq_ctx_term(context) == 0 ? 0 : 1);
}

/* A child forgets also what threads of its parent's are in, and waits for none of them. */
static void test_fork_busy(void **state) {
    (void)state;
    relatives r;
    pthread_t waits, ends;
    void *result;
    char said[200];
    pair_up(&r.w, ZMQ_PAIR, ZMQ_PAIR, "inproc://x");
    r.ending = zmq_ctx_new();
    r.last = socket_of(r.ending, ZMQ_PAIR);
    assert_int_equal(pthread_create(&waits, NULL, wait_inside, r.w.a), 0);
    assert_int_equal(pthread_create(&ends, NULL, terminate, r.ending), 0);
    until_refused(r.w.a, EBUSY);
    until_refused(r.last, ETERM);
    assert_int_equal(fh_test_child(forget_busy, &r, said, sizeof said), 0);
    assert_int_equal(zmq_send(r.w.b, "x", 1, 0), 1);
    assert_int_equal(pthread_join(waits, &result), 0);
    assert_int_equal((intptr_t)result, 1);
    assert_int_equal(zmq_close(r.last), 0);
    assert_int_equal(pthread_join(ends, &result), 0);
    assert_int_equal((intptr_t)result, 0);
    end(&r.w);
}

static void *make_handles(void *arg) {
    uint32_t *over = arg;
    while (fh_load(over, FH_RELAXED) == 0) {
        const void *handle = fh_zmq_handle_new(FH_ZMQ_COUNTER, over);
        assert_ptr_equal(fh_zmq_enter(handle, FH_ZMQ_COUNTER, false, EFAULT), over);
        assert_true(fh_zmq_handle_end(handle));
    }
    return NULL;
}

static void make_one(void *arg) {
    (void)alarm(60);
    _exit(fh_zmq_handle_new(FH_ZMQ_COUNTER, arg) != NULL ? 0 : 1);
}

/* No child finds the table locked by a thread that it does not have. */
static void test_fork_at_table(void **state) {
    (void)state;
    pthread_t thread;
    uint32_t over = 0;
    char said[200];
    assert_int_equal(pthread_create(&thread, NULL, make_handles, &over), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(fh_test_child(make_one, &over, said, sizeof said), 0);
    fh_store(&over, 1, FH_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* --- endpoints ------------------------------------------------------------------------------------------------------------ */

static void test_endpoints(void **state) {
    world w;
    (void)state;
    char text[ZMQ_GROUP_MAX_LENGTH + 2] = {0};
    memset(text, 'x', sizeof text - 1);
    pair_up(&w, ZMQ_RADIO, ZMQ_DISH, "inproc://x");
    refused(zmq_bind(w.a, "x"), EINVAL);
    refused(zmq_bind(w.a, "ipc://@"), EINVAL);
    refused(zmq_bind(w.a, "udp://127.0.0.1:5555"), EPROTONOSUPPORT);
    refused(zmq_bind(w.a, "inproc://x"), EADDRINUSE);
    refused(zmq_unbind(w.a, "x"), EINVAL);
    refused(zmq_unbind(w.a, "inproc://y"), ENOENT);
    refused(zmq_disconnect(w.b, "x"), EINVAL);
    refused(zmq_disconnect(w.b, "inproc://y"), ENOENT);
    refused(zmq_join(w.b, text), EINVAL);
    refused(zmq_join(w.b, NULL), EINVAL);
    assert_int_equal(zmq_join(w.b, text + 1), 0);
    assert_int_equal(zmq_leave(w.b, text + 1), 0);
    void *sub = socket_of(w.context, ZMQ_SUB);
    refused(zmq_join(sub, "x"), EINVAL); /* groups are a DISH's */
    refused(zmq_leave(sub, "x"), EINVAL);
    assert_int_equal(zmq_close(sub), 0);
    end(&w);
}

/* A name is given back with the connections that came to it; a wildcard names none. */
static void test_unbind(void **state) {
    (void)state;
    static const char *const wildcards[] = {"tcp://127.0.0.1:*", "ipc://*"};
    world w;
    int wait = 60000;
    char text[4];
    for (int i = 0; i < 2; i++) {
        pair_up(&w, ZMQ_PUSH, ZMQ_PULL, wildcards[i]);
        assert_int_equal(zmq_setsockopt(w.a, ZMQ_SNDTIMEO, &wait, sizeof wait), 0);
        assert_int_equal(zmq_send(w.a, "x", 1, 0), 1);
        assert_int_equal(zmq_recv(w.b, text, sizeof text, 0), 1);
        refused(zmq_unbind(w.a, wildcards[i]), ENOENT);
        assert_int_equal(zmq_unbind(w.a, w.endpoint), 0);
        refused(zmq_send(w.a, "x", 1, ZMQ_DONTWAIT), EAGAIN);
        end(&w);
    }
}

static void test_null(void **state) {
    world w;
    (void)state;
    zmq_msg_t msg;
    pair_up(&w, ZMQ_PAIR, ZMQ_PAIR, "inproc://x");
    refused(zmq_ctx_term(NULL), EFAULT);
    refused(zmq_close(NULL), ENOTSOCK);
    refused(zmq_bind(w.a, NULL), EINVAL);
    refused(zmq_connect(w.a, NULL), EINVAL);
    refused(zmq_unbind(w.a, NULL), EINVAL);
    refused(zmq_send(w.a, NULL, 4, 0), EFAULT);
    refused(zmq_send_const(w.a, NULL, 4, 0), EFAULT);
    refused(zmq_sendiov(w.a, NULL, 1, 0), EINVAL);
    refused(zmq_recv(w.a, NULL, 4, 0), EFAULT);
    refused(zmq_msg_send(NULL, w.a, 0), EFAULT);
    refused(zmq_msg_recv(NULL, w.a, 0), EFAULT);
    refused(zmq_poll(NULL, 1, 0), EFAULT);
    refused(zmq_poll(NULL, -1, 0), EINVAL);
    refused(zmq_proxy(NULL, w.b, NULL), EFAULT);
    refused(zmq_proxy(w.a, NULL, NULL), EFAULT);
    assert_int_equal(zmq_msg_init(&msg), 0);
    assert_int_equal(zmq_msg_close(&msg), 0);
    refused(zmq_msg_send(&msg, w.a, 0), EFAULT);
    refused(zmq_msg_recv(&msg, w.a, 0), EFAULT);
    end(&w);
}

/* --- waits ---------------------------------------------------------------------------------------------------------------- */

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

static bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

/* A socket's descriptor is the context's until nothing is sent any more: the number must not be another file's when the I/O
 * thread tells of what has left. */
static void test_linger_bell(void **state) {
    (void)state;
    enum { BYTES = 1 << 20, LOOKS = 100 };
    static char bytes[BYTES];
    pthread_t thread;
    world w;
    int one = 1, forever = -1, patience = 100, bell, sent = 0;
    size_t size = sizeof bell, name_size = sizeof w.endpoint;
    void *other = zmq_ctx_new(), *pull = socket_of(other, ZMQ_PULL);
    void *result, *context = zmq_ctx_new(), *push = socket_of(context, ZMQ_PUSH);
    assert_int_equal(zmq_setsockopt(pull, ZMQ_RCVHWM, &one, sizeof one), 0);
    assert_int_equal(zmq_bind(pull, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, w.endpoint, &name_size), 0);
    assert_int_equal(zmq_setsockopt(push, ZMQ_SNDHWM, &one, sizeof one), 0);
    assert_int_equal(zmq_setsockopt(push, ZMQ_LINGER, &forever, sizeof forever), 0);
    assert_int_equal(zmq_setsockopt(push, ZMQ_SNDTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(zmq_connect(push, w.endpoint), 0);
    while (zmq_send(push, bytes, BYTES, 0) == BYTES)
        sent++;
    assert_int_equal(zmq_errno(), EAGAIN);
    zmq_pollitem_t item = {push, -1, ZMQ_POLLOUT, 0};
    assert_int_equal(zmq_poll(&item, 1, 1), 0);
    assert_int_equal(zmq_getsockopt(push, ZMQ_FD, &bell, &size), 0);
    assert_int_equal(zmq_close(push), 0);
    assert_int_equal(pthread_create(&thread, NULL, terminate, context), 0);
    for (int i = 0; i < LOOKS && is_open(bell); i++)
        fh_os_nap(1000000);
    bool kept = is_open(bell);
    while (sent-- > 0)
        assert_int_equal(zmq_recv(pull, bytes, BYTES, 0), BYTES);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal((intptr_t)result, 0);
    assert_true(kept);
    assert_false(is_open(bell));
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

static void *terminate_and_say(void *context) {
    return (void *)(intptr_t)(zmq_ctx_term(context) == -1 ? zmq_errno() : 0);
}

/* A signal is sent until the wait has ended: one may come before it has begun. */
static void interrupt(void *(*wait)(void *), void *handle) {
    pthread_t thread;
    void *result;
    struct timespec ms = {0, 1000000};
    assert_int_equal(pthread_create(&thread, NULL, wait, handle), 0);
    while (pthread_tryjoin_np(thread, &result) != 0) {
        assert_int_equal(pthread_kill(thread, SIGUSR1), 0);
        nanosleep(&ms, NULL);
    }
    assert_int_equal((intptr_t)result, EINTR);
}

/* A signal ends a wait, whenever it comes, and whether its handler has calls begin anew or not. */
static void test_interrupt(void **state) {
    (void)state;
    static const int flags[] = {0, SA_RESTART};
    for (int i = 0; i < 2 * ENDPOINTS; i++) {
        world w;
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags[i % 2]}, before;
        pair_up(&w, ZMQ_PAIR, ZMQ_PAIR, endpoints[i / 2]);
        assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
        interrupt(wait_and_say, w.a);
        interrupt(terminate_and_say, w.context);
        assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
        end(&w);
    }
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

static void test_monitor(void **state) {
    (void)state;
    void *context = zmq_ctx_new(), *rep = zmq_socket(context, ZMQ_REP), *heard = zmq_socket(context, ZMQ_PAIR);
    unsigned char event[8];
    char where[64];
    refused(zmq_socket_monitor(rep, "tcp://127.0.0.1:*", ZMQ_EVENT_ALL), EPROTONOSUPPORT);
    int wanted = ZMQ_EVENT_LISTENING | ZMQ_EVENT_CLOSED | ZMQ_EVENT_MONITOR_STOPPED;
    assert_int_equal(zmq_socket_monitor(rep, "inproc://events", wanted), 0);
    assert_int_equal(zmq_connect(heard, "inproc://events"), 0);
    assert_int_equal(zmq_bind(rep, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_recv(heard, event, sizeof event, 0), 6);
    assert_int_equal(event[0] | event[1] << 8, ZMQ_EVENT_LISTENING);
    assert_true(zmq_recv(heard, where, sizeof where, 0) > 0);
    assert_int_equal(zmq_close(rep), 0);
    assert_int_equal(zmq_recv(heard, event, sizeof event, 0), 6);
    assert_int_equal(event[0] | event[1] << 8, ZMQ_EVENT_CLOSED); /* its listener, then the rest */
    assert_true(zmq_recv(heard, where, sizeof where, 0) > 0);
    assert_int_equal(zmq_recv(heard, event, sizeof event, 0), 6);
    assert_int_equal(event[0] | event[1] << 8, ZMQ_EVENT_MONITOR_STOPPED);
    assert_int_equal(zmq_close(heard), 0);
    assert_int_equal(zmq_ctx_term(context), 0);
}

/* One after another, and names that are taken: none of their sockets is left behind. */
static void test_monitors(void **state) {
    (void)state;
    world w = {.context = zmq_ctx_new()};
    assert_int_equal(zmq_ctx_set(w.context, ZMQ_MAX_SOCKETS, 2), 0);
    w.a = socket_of(w.context, ZMQ_PAIR);
    w.b = socket_of(w.context, ZMQ_PAIR);
    assert_int_equal(zmq_bind(w.a, "inproc://taken"), 0);
    for (int i = 0; i < 50; i++) {
        refused(zmq_socket_monitor(w.a, "inproc://taken", ZMQ_EVENT_ALL), EADDRINUSE);
        assert_int_equal(zmq_socket_monitor(w.a, i % 2 ? "inproc://odd" : "inproc://even", ZMQ_EVENT_ALL), 0);
    }
    assert_int_equal(zmq_socket_monitor(w.a, NULL, 0), 0);
    assert_int_equal(zmq_socket_monitor(w.a, NULL, 0), 0);
    end(&w);
}

/* --- allocation ----------------------------------------------------------------------------------------------------------- */

/* A message of some parts, each by another call; then what came of it. */
static int send_some(void *from) {
    char one[] = "one", two[] = "two";
    struct iovec parts[] = {{one, 3}, {two, 3}};
    zmq_msg_t msg;
    if (zmq_send(from, "a", 1, ZMQ_SNDMORE) < 0 || zmq_send_const(from, "b", 1, ZMQ_SNDMORE) < 0)
        return -1;
    if (zmq_msg_init_size(&msg, 50) != 0)
        return -1;
    memset(zmq_msg_data(&msg), 'c', 50);
    int result = zmq_msg_send(&msg, from, ZMQ_SNDMORE | ZMQ_DONTWAIT), number = errno;
    assert_int_equal(zmq_msg_close(&msg), 0);
    errno = number;
    return result < 0 ? -1 : zmq_sendiov(from, parts, 2, ZMQ_DONTWAIT);
}

static int receive_some(void *to) {
    char text[8];
    zmq_msg_t msg;
    int more = 1, result = 0;
    size_t size = sizeof more;
    if (zmq_recv(to, text, sizeof text, ZMQ_DONTWAIT) < 0)
        return -1;
    while (result >= 0 && more != 0) {
        assert_int_equal(zmq_msg_init(&msg), 0);
        result = zmq_msg_recv(&msg, to, ZMQ_DONTWAIT);
        int number = errno;
        more = result >= 0 ? zmq_msg_more(&msg) : 0;
        assert_int_equal(zmq_msg_close(&msg), 0);
        errno = number;
    }
    return result < 0 ? -1 : zmq_getsockopt(to, ZMQ_RCVMORE, &more, &size);
}

static int talk(void *a, void *b) {
    char key[] = "HelloWorldHelloWorldHelloWorldHelloWorld", name[64];
    size_t size = sizeof name;
    int one = 1;
    if (zmq_has("curve") && zmq_setsockopt(a, ZMQ_CURVE_SERVERKEY, key, 40) != 0)
        return -1;
    if (zmq_setsockopt(a, ZMQ_ROUTING_ID, "name", 4) != 0 || zmq_setsockopt(b, ZMQ_SUBSCRIBE, "a", 1) != 0 ||
        zmq_setsockopt(a, ZMQ_PLAIN_USERNAME, "user", 4) != 0 || zmq_setsockopt(a, ZMQ_XPUB_WELCOME_MSG, "welcome", 7) != 0 ||
        zmq_setsockopt(a, ZMQ_SNDHWM, &one, sizeof one) != 0 || zmq_socket_monitor(a, "inproc://events", ZMQ_EVENT_ALL) != 0)
        return -1;
    if (zmq_bind(a, "inproc://x") != 0 || zmq_connect(b, "inproc://x") != 0 || zmq_bind(b, "inproc://y") != 0)
        return -1;
    if (zmq_getsockopt(a, ZMQ_LAST_ENDPOINT, name, &size) != 0 || zmq_unbind(b, "inproc://y") != 0)
        return -1;
    if (zmq_recv(b, name, sizeof name, ZMQ_DONTWAIT) < 0 && errno != EAGAIN)
        return -1;
    if (send_some(a) < 0)
        return -1;
    return receive_some(b) < 0 && errno != EAGAIN ? -1 : 0;
}

static fh_status one_life(fh_allocator *a, void *arg) {
    (void)a;
    (void)arg;
    errno = 0;
    void *context = zmq_ctx_new();
    void *pub = context != NULL ? zmq_socket(context, ZMQ_XPUB) : NULL;
    void *sub = pub != NULL ? zmq_socket(context, ZMQ_SUB) : NULL;
    int result = sub != NULL ? talk(pub, sub) : -1, number = errno;
    if (pub != NULL)
        assert_int_equal(zmq_close(pub), 0);
    if (sub != NULL)
        assert_int_equal(zmq_close(sub), 0);
    if (context != NULL)
        assert_int_equal(zmq_ctx_term(context), 0);
    if (result < 0)
        assert_int_equal(number, ENOMEM);
    return FH_STATUS(result < 0 ? FH_NOMEM : FH_OK);
}

static void test_each_allocation_fails(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), one_life, NULL) > 30);
}

/* --- proxies -------------------------------------------------------------------------------------------------------------- */

typedef struct relay {
    void *in, *out, *control;
    int result, number;
} relay;

static void *run_relay(void *ctx) {
    relay *r = ctx;
    r->result = zmq_proxy_steerable(r->in, r->out, NULL, r->control);
    r->number = zmq_errno();
    return NULL;
}

static void test_proxy(void **state) {
    (void)state;
    pthread_t thread;
    char text[8];
    void *context = zmq_ctx_new();
    relay r = {zmq_socket(context, ZMQ_PULL), zmq_socket(context, ZMQ_PUSH), zmq_socket(context, ZMQ_PAIR), -1, 0};
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

static relay relay_of(void *context) {
    return (relay){socket_of(context, ZMQ_PULL), socket_of(context, ZMQ_PUSH), NULL, 0, 0};
}
static int number_after(relay *r, pthread_t thread) {
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(r->result, -1);
    assert_int_equal(zmq_close(r->in), 0);
    assert_int_equal(zmq_close(r->out), 0);
    return r->number;
}

/* A proxy ends with its context, and with a signal; until then its sockets are its own. */
static void test_proxy_ends(void **state) {
    (void)state;
    pthread_t thread;
    int linger = 0;
    void *context = zmq_ctx_new();
    relay r = relay_of(context);
    struct sigaction action = {.sa_handler = on_signal}, before;
    struct timespec ms = {0, 1000000};
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    assert_int_equal(pthread_create(&thread, NULL, run_relay, &r), 0);
    while (zmq_setsockopt(r.in, ZMQ_LINGER, &linger, sizeof linger) == 0)
        nanosleep(&ms, NULL);
    assert_int_equal(zmq_errno(), EBUSY);
    while (zmq_setsockopt(r.in, ZMQ_LINGER, &linger, sizeof linger) != 0) {
        assert_int_equal(pthread_kill(thread, SIGUSR1), 0);
        nanosleep(&ms, NULL);
    }
    assert_int_equal(number_after(&r, thread), EINTR);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    r = relay_of(context);
    assert_int_equal(pthread_create(&thread, NULL, run_relay, &r), 0);
    assert_int_equal(zmq_ctx_shutdown(context), 0);
    assert_int_equal(number_after(&r, thread), ETERM);
    assert_int_equal(zmq_ctx_term(context), 0);
}

/* A refused proxy leaves every socket as it was. */
static void test_proxy_refused(void **state) {
    (void)state;
    world w;
    int linger = 0;
    void *other = zmq_ctx_new(), *stranger = socket_of(other, ZMQ_PAIR);
    pair_up(&w, ZMQ_PAIR, ZMQ_PAIR, "inproc://x");
    refused(zmq_proxy(w.a, stranger, NULL), EINVAL);
    refused(zmq_proxy_steerable(w.a, w.b, NULL, stranger), EINVAL);
    refused(zmq_proxy_steerable(w.a, w.b, NULL, w.b), EBUSY);
    refused(zmq_proxy(w.a, w.b, w.context), ENOTSOCK);
    refused(zmq_device(0, w.context, w.a), ENOTSOCK);
    assert_int_equal(zmq_setsockopt(w.a, ZMQ_LINGER, &linger, sizeof linger), 0);
    assert_int_equal(zmq_setsockopt(w.b, ZMQ_LINGER, &linger, sizeof linger), 0);
    assert_int_equal(zmq_close(stranger), 0);
    assert_int_equal(zmq_ctx_term(other), 0);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_ZMQ_TEST(test_stale), FH_ZMQ_TEST(test_no_handle), FH_ZMQ_TEST(test_neighbours), FH_ZMQ_TEST(test_busy),
        FH_ZMQ_TEST(test_limits), FH_ZMQ_TEST(test_fork), FH_ZMQ_TEST(test_fork_busy), FH_ZMQ_TEST(test_fork_at_table),
        FH_ZMQ_TEST(test_endpoints), FH_ZMQ_TEST(test_unbind), FH_ZMQ_TEST(test_null), FH_ZMQ_TEST(test_linger),
        FH_ZMQ_TEST(test_linger_bell), FH_ZMQ_TEST(test_terminate), FH_ZMQ_TEST(test_interrupt), FH_ZMQ_TEST(test_descriptor),
        FH_ZMQ_TEST(test_monitor), FH_ZMQ_TEST(test_monitors), FH_ZMQ_TEST(test_each_allocation_fails), FH_ZMQ_TEST(test_proxy),
        FH_ZMQ_TEST(test_proxy_ends), FH_ZMQ_TEST(test_proxy_refused),
    };
    zmq_world_name();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
