/* test_sock.c: numbers, names, waiting, threads, options, polls, ends (sock.h). */
#define _GNU_SOURCE 1

#include <pthread.h>
#include <signal.h>

#include "freehold/atomic.h"
#include "sock_world.h"

#include "freehold/os.h"

#define NAME "inproc://x"

/* --- numbers -------------------------------------------------------------------------------------------------------------- */

static void test_stale(void **state) {
    world w = world_new(state);
    fh_sock s = open_sock(w, FH_ZMTP_PAIR), none = {0}, beyond = {s.value + 24}, forged = {s.value + (UINT64_C(1) << 32)};
    int64_t value;
    close_sock(w, s);
    fh_assert_code(fh_sock_close(w.c, s), FH_STALE);
    fh_assert_code(fh_sock_get(w.c, s, FH_SOCK_TYPE, &value), FH_STALE);
    fh_assert_code(fh_sock_get(w.c, none, FH_SOCK_TYPE, &value), FH_STALE);
    fh_assert_code(fh_sock_get(w.c, beyond, FH_SOCK_TYPE, &value), FH_STALE);
    fh_assert_code(fh_sock_get(w.c, forged, FH_SOCK_TYPE, &value), FH_STALE);
    fh_sock next = open_sock(w, FH_ZMTP_PAIR); /* the same place, another life */
    assert_int_equal((uint32_t)next.value, (uint32_t)s.value);
    fh_assert_code(fh_sock_get(w.c, s, FH_SOCK_TYPE, &value), FH_STALE);
    fh_assert_ok(fh_sock_get(w.c, next, FH_SOCK_TYPE, &value));
    assert_int_equal(value, FH_ZMTP_PAIR);
    fh_assert_code(fh_sock_open(w.c, (fh_zmtp_socket)18, &s), FH_UNSUPPORTED);
    fh_assert_code(fh_sock_open(w.c, FH_ZMTP_UNKNOWN, &s), FH_UNSUPPORTED);
    while (fh_sock_context_count(w.c) < 24)
        (void)open_sock(w, FH_ZMTP_PUB);
    fh_assert_code(fh_sock_open(w.c, FH_ZMTP_PAIR, &s), FH_EXHAUSTED);
    world_free(w);
}

typedef struct waiter {
    world w;
    fh_sock s;
    fh_status status;
    uint32_t texts;
} waiter;

static void *receive_one(void *arg) {
    waiter *t = arg;
    fh_message m = {0};
    do
        t->status = fh_sock_receive(t->w.c, t->s, &m);
    while (t->status.code == FH_BORROWED); /* until_borrowed looks at it now and then */
    t->texts = (uint32_t)fh_message_count(&m);
    fh_message_drop(&m, t->w.a);
    return NULL;
}

static pthread_t start(void *(*run)(void *), void *arg) {
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, run, arg), 0);
    return id;
}
static void join(pthread_t id) {
    assert_int_equal(pthread_join(id, NULL), 0);
}

/* Waits until another thread has the socket. */
static void until_borrowed(world w, fh_sock s) {
    int64_t value;
    while (fh_sock_get(w.c, s, FH_SOCK_TYPE, &value).code != FH_BORROWED)
        fh_os_nap(100000);
}

/* A thread that waits has the socket: another one is refused, whatever it wants; and the first one is not disturbed. */
static void test_borrowed(void **state) {
    world w = world_new(state);
    fh_sock pull = bound(w, FH_ZMTP_PULL, NAME), push = connected(w, FH_ZMTP_PUSH, NAME);
    waiter t = {.w = w, .s = pull};
    pthread_t id = start(receive_one, &t);
    fh_message m = {0};
    size_t count;
    fh_err err = {0};
    until_borrowed(w, pull);
    fh_assert_code(fh_sock_try_receive(w.c, pull, &m), FH_BORROWED);
    fh_assert_code(fh_sock_receive(w.c, pull, &m), FH_BORROWED);
    fh_assert_code(fh_sock_close(w.c, pull), FH_BORROWED);
    fh_assert_code(fh_sock_set(w.c, pull, FH_SOCK_RECEIVE_MARK, 1), FH_BORROWED);
    fh_assert_code(fh_sock_bind(w.c, pull, FH_LIT("inproc://y"), &err), FH_BORROWED);
    fh_sock_poll_item item = {pull, FH_SOCK_READABLE, 0};
    fh_assert_code(fh_sock_poll(w.c, (fh_sock_poll_items){&item, 1}, 0, &count), FH_BORROWED);
    say_ok(w, push, "wake up");
    join(id);
    fh_assert_ok(t.status);
    assert_int_equal(t.texts, 1);
    hear_none(w, pull); /* it is free again, and on another thread */
    world_free(w);
}

/* --- names ---------------------------------------------------------------------------------------------------------------- */

static void test_names(void **state) {
    world w = world_new(state);
    fh_sock a = open_sock(w, FH_ZMTP_PAIR), b = open_sock(w, FH_ZMTP_PAIR);
    fh_err err = {0};
    fh_bytes last;
    char longest[FH_SOCK_ENDPOINT_MAX + 2] = "inproc://";
    fh_assert_code(fh_sock_bind(w.c, a, FH_LIT("x"), &err), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "\"x\" is no endpoint such as inproc://name");
    fh_err_clear(&err);
    fh_assert_code(fh_sock_bind(w.c, a, FH_LIT("inproc://"), &err), FH_INVALID);
    fh_err_clear(&err);
    fh_assert_code(fh_sock_connect(w.c, a, FH_LIT("pgm://x"), &err), FH_UNSUPPORTED);
    fh_assert_err(&err, FH_UNSUPPORTED, "\"pgm\" is no transport here");
    fh_err_clear(&err);
    for (size_t i = 9; i <= FH_SOCK_ENDPOINT_MAX; i++)
        longest[i] = 'n';
    fh_assert_code(fh_sock_bind(w.c, a, fh_span_of_str(longest), &err), FH_INVALID);
    fh_err_clear(&err);
    longest[FH_SOCK_ENDPOINT_MAX] = 0;
    fh_assert_ok(fh_sock_bind(w.c, a, fh_span_of_str(longest), &err));
    fh_assert_ok(fh_sock_last_endpoint(w.c, b, &last));
    assert_int_equal(last.span.size, 0);
    fh_assert_ok(fh_sock_bind(w.c, a, FH_LIT(NAME), &err));
    fh_assert_ok(fh_sock_last_endpoint(w.c, a, &last));
    fh_assert_span(last.span, NAME);
    fh_bytes_drop(&last);
    fh_assert_code(fh_sock_bind(w.c, b, FH_LIT(NAME), &err), FH_BORROWED);
    fh_assert_err(&err, FH_BORROWED, NAME);
    fh_assert_code(fh_sock_unbind(w.c, b, FH_LIT(NAME)), FH_NOT_FOUND);
    fh_assert_code(fh_sock_unbind(w.c, b, FH_LIT("")), FH_NOT_FOUND);
    fh_assert_code(fh_sock_disconnect(w.c, a, FH_LIT(NAME)), FH_NOT_FOUND);
    fh_assert_ok(fh_sock_unbind(w.c, a, FH_LIT(NAME)));
    for (int i = 0; i < 20; i++) {
        char name[] = "inproc://a";
        name[9] = (char)('a' + i);
        fh_assert_ok(fh_sock_bind(w.c, b, fh_span_of_str(name), &err));
    }
    close_sock(w, b); /* and its names are free */
    fh_assert_ok(fh_sock_bind(w.c, a, FH_LIT("inproc://t"), &err));
    world_free(w);
}

/* Who connects before the name is there is connected when it comes, with what was sent; two of them in their order. */
static void test_connect_first(void **state) {
    world w = world_new(state);
    fh_sock a = connected(w, FH_ZMTP_PUSH, NAME), b = connected(w, FH_ZMTP_PUSH, NAME);
    fh_sock other = connected(w, FH_ZMTP_PUSH, "inproc://y");
    say_ok(w, a, "a1");
    say_ok(w, a, "a2");
    say_ok(w, b, "b1");
    say_ok(w, other, "y");
    fh_sock gone = connected(w, FH_ZMTP_PUSH, NAME);
    say_ok(w, gone, "last words");
    close_sock(w, gone);
    fh_sock pull = bound(w, FH_ZMTP_PULL, NAME);
    hear(w, pull, "a1");
    hear(w, pull, "b1");
    hear(w, pull, "last words");
    hear(w, pull, "a2");
    hear_none(w, pull);
    world_free(w);
}

/* A socket that ends loses nothing of what it has sent, and its peer hears of the end. */
static void test_close_in_flight(void **state) {
    world w = world_new(state);
    fh_sock pull = bound(w, FH_ZMTP_PULL, NAME), push = connected(w, FH_ZMTP_PUSH, NAME);
    say_ok(w, push, "1");
    say_ok(w, push, "2");
    hear(w, pull, "1");
    say_ok(w, push, "3");
    close_sock(w, push);
    hear(w, pull, "2");
    hear(w, pull, "3");
    hear_none(w, pull);
    push = connected(w, FH_ZMTP_PUSH, NAME);
    say_ok(w, push, "never read");
    hear_none(w, connected(w, FH_ZMTP_PULL, "inproc://nobody"));
    close_sock(w, pull); /* with a newcomer that it has not seen */
    assert_int_equal(say(w, push, "nobody"), FH_AGAIN);
    world_free(w);
}

static void test_disconnect(void **state) {
    world w = world_new(state);
    fh_sock pull = bound(w, FH_ZMTP_PULL, NAME), push = connected(w, FH_ZMTP_PUSH, NAME);
    say_ok(w, push, "before");
    fh_assert_ok(fh_sock_disconnect(w.c, push, FH_LIT(NAME)));
    fh_assert_code(fh_sock_disconnect(w.c, push, FH_LIT(NAME)), FH_NOT_FOUND);
    assert_int_equal(say(w, push, "x"), FH_AGAIN);
    hear(w, pull, "before");
    connect_to(w, push, NAME);
    fh_assert_ok(fh_sock_unbind(w.c, pull, FH_LIT(NAME)));
    say_ok(w, push, "still connected");
    hear(w, pull, "still connected");
    world_free(w);
}

/* --- waiting -------------------------------------------------------------------------------------------------------------- */

static void test_timeouts(void **state) {
    world w = world_new(state);
    fh_sock s = open_sock(w, FH_ZMTP_DEALER);
    fh_message m = {0};
    set(w, s, FH_SOCK_RECEIVE_TIMEOUT, 0);
    fh_assert_code(fh_sock_receive(w.c, s, &m), FH_AGAIN);
    set(w, s, FH_SOCK_RECEIVE_TIMEOUT, 20);
    uint64_t before = fh_os_clock_ns();
    fh_assert_code(fh_sock_receive(w.c, s, &m), FH_TIMEOUT);
    assert_true(fh_os_clock_ns() - before >= 20000000);
    fh_assert_code(fh_sock_send(w.c, s, &m), FH_INVALID); /* no parts */
    world_free(w);
}

/* Who waits is woken when the context stops, or refuses, and nothing begins after it; closing still works. */
static void test_stop(void **state) {
    for (int how = 0; how < 2; how++) {
        world w = world_new(state);
        waiter t = {.w = w, .s = bound(w, FH_ZMTP_PULL, NAME)};
        fh_sock push = connected(w, FH_ZMTP_PUSH, NAME), none;
        fh_sock_poll_item item = {push, FH_SOCK_WRITABLE, 0};
        size_t count;
        fh_err err = {0};
        pthread_t id = start(receive_one, &t);
        until_borrowed(w, t.s);
        (how == 0 ? fh_sock_context_stop : fh_sock_context_refuse)(w.c);
        join(id);
        assert_int_equal(t.status.code, FH_CANCELED);
        assert_int_equal(say(w, push, "x"), FH_CANCELED);
        hear_code(w, t.s, FH_CANCELED);
        fh_assert_code(fh_sock_may_send(w.c, push, FH_LIT("")), FH_CANCELED);
        fh_assert_code(fh_sock_open(w.c, FH_ZMTP_PAIR, &none), FH_CANCELED);
        fh_assert_code(fh_sock_bind(w.c, push, FH_LIT("inproc://y"), &err), FH_CANCELED);
        fh_assert_code(fh_sock_poll(w.c, (fh_sock_poll_items){&item, 1}, -1, &count), FH_CANCELED);
        close_sock(w, push);
        world_free(w);
    }
}

/* --- signals -------------------------------------------------------------------------------------------------------------- */

enum { SIGNALLED_RECEIVE, SIGNALLED_RECEIVE_A_TIME, SIGNALLED_SEND, SIGNALLED_POLL, SIGNALLED_POLL_A_TIME, SIGNALLED };
enum { A_TIME_MS = 3600000, MS = 1000000 };

typedef struct signalled {
    world w;
    fh_sock s;
    int call;
    fh_status status;
    uint32_t over;
} signalled;

static void nothing(int number) {
    (void)number;
}

static fh_status wait_once(signalled *t) {
    fh_message m = {0};
    fh_sock_poll_item item = {t->s, FH_SOCK_READABLE, 0};
    size_t count;
    if (t->call == SIGNALLED_SEND) {
        fh_status s = fh_message_push_copy(&m, t->w.a, FH_LIT("x"));
        s = fh_failed(s) ? s : fh_sock_send(t->w.c, t->s, &m);
        fh_message_drop(&m, t->w.a);
        return s;
    }
    if (t->call <= SIGNALLED_RECEIVE_A_TIME)
        return fh_sock_receive(t->w.c, t->s, &m);
    return fh_sock_poll(t->w.c, (fh_sock_poll_items){&item, 1}, t->call == SIGNALLED_POLL ? -1 : A_TIME_MS, &count);
}
static void *wait_signalled(void *arg) {
    signalled *t = arg;
    do
        t->status = wait_once(t);
    while (t->status.code == FH_BORROWED); /* until_borrowed looks at it now and then */
    fh_store(&t->over, 1, FH_RELEASE);
    return NULL;
}

/* A signal ends a wait where the context says so, and nowhere else. */
static void signal_one(void **state, fh_zmtp_socket type, int call, bool interrupts) {
    world w = {fh_test_allocator(state), NULL};
    fh_assert_ok(fh_sock_context_new(w.a, &(fh_sock_context_options){.interrupts = interrupts}, &w.c));
    signalled t = {.w = w, .s = open_sock(w, type), .call = call};
    if (call == SIGNALLED_RECEIVE_A_TIME)
        set(w, t.s, FH_SOCK_RECEIVE_TIMEOUT, A_TIME_MS);
    pthread_t id = start(wait_signalled, &t);
    if (type == FH_ZMTP_DEALER)
        until_borrowed(w, t.s);
    for (int i = 0; interrupts ? fh_load(&t.over, FH_ACQUIRE) == 0 : i < 10; i++) { /* one may come before it sleeps */
        assert_int_equal(pthread_kill(id, SIGUSR1), 0);
        fh_os_nap(MS);
    }
    fh_sock_context_stop(w.c);
    join(id);
    assert_int_equal(t.status.code, interrupts ? FH_AGAIN : FH_CANCELED);
    world_free(w);
}
static void test_signals(void **state) {
    static const int flags[] = {0, SA_RESTART}; /* whether or not its handler has calls begin anew */
    for (int i = 0; i < 2; i++) {
        struct sigaction to = {.sa_handler = nothing, .sa_flags = flags[i]}, before;
        assert_int_equal(sigaction(SIGUSR1, &to, &before), 0);
        for (int call = 0; call < SIGNALLED; call++) {
            signal_one(state, FH_ZMTP_DEALER, call, true);
            signal_one(state, FH_ZMTP_DEALER, call, false);
            signal_one(state, FH_ZMTP_CLIENT, call, true); /* others may use it meanwhile */
            signal_one(state, FH_ZMTP_CLIENT, call, false);
        }
        assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    }
}

/* --- polls ---------------------------------------------------------------------------------------------------------------- */

typedef struct poller {
    world w;
    fh_sock_poll_item items[2];
    size_t count;
    fh_status status;
} poller;

static void *poll_two(void *arg) {
    poller *p = arg;
    do
        p->status = fh_sock_poll(p->w.c, (fh_sock_poll_items){p->items, 2}, -1, &p->count);
    while (p->status.code == FH_BORROWED);
    return NULL;
}

static void test_poll(void **state) {
    world w = world_new(state);
    fh_sock a = bound(w, FH_ZMTP_PULL, "inproc://a"), b = bound(w, FH_ZMTP_PULL, "inproc://b");
    fh_sock push_a = connected(w, FH_ZMTP_PUSH, "inproc://a"), push_b = connected(w, FH_ZMTP_PUSH, "inproc://b");
    fh_sock_poll_item items[] = {{a, FH_SOCK_READABLE, 9}, {push_b, FH_SOCK_WRITABLE, 9}, {b, FH_SOCK_READABLE, 9}};
    size_t count;
    fh_assert_ok(fh_sock_poll(w.c, (fh_sock_poll_items){items, 3}, -1, &count));
    assert_int_equal(count, 1);
    assert_int_equal(items[0].found, 0);
    assert_int_equal(items[1].found, FH_SOCK_WRITABLE);
    fh_assert_code(fh_sock_poll(w.c, (fh_sock_poll_items){items, 1}, 5, &count), FH_TIMEOUT);
    poller p = {.w = w, .items = {{a, FH_SOCK_READABLE, 0}, {b, FH_SOCK_READABLE, 0}}};
    pthread_t id = start(poll_two, &p);
    until_borrowed(w, b);
    say_ok(w, push_b, "wake");
    join(id);
    fh_assert_ok(p.status);
    assert_int_equal(p.count, 1);
    assert_int_equal(p.items[1].found, FH_SOCK_READABLE);
    hear(w, b, "wake");
    (void)push_a;
    world_free(w);
}

/* --- options -------------------------------------------------------------------------------------------------------------- */

static void test_options(void **state) {
    world w = world_new(state);
    fh_sock s = open_sock(w, FH_ZMTP_ROUTER);
    static const struct {
        fh_sock_option option;
        int64_t first, least, most;
    } rows[] = {
        {FH_SOCK_SEND_MARK, 1000, 0, FH_SOCK_MARK_MAX},     {FH_SOCK_RECEIVE_MARK, 1000, 0, FH_SOCK_MARK_MAX},
        {FH_SOCK_SEND_TIMEOUT, -1, -1, INT32_MAX},          {FH_SOCK_RECEIVE_TIMEOUT, -1, -1, INT32_MAX},
        {FH_SOCK_ROUTER_MANDATORY, 0, 0, 1},                {FH_SOCK_ROUTER_HANDOVER, 0, 0, 1},
        {FH_SOCK_PROBE_ROUTER, 0, 0, 1},                    {FH_SOCK_XPUB_VERBOSE, 0, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(get(w, s, rows[i].option), rows[i].first);
        fh_assert_code(fh_sock_set(w.c, s, rows[i].option, rows[i].least - 1), FH_INVALID);
        fh_assert_code(fh_sock_set(w.c, s, rows[i].option, rows[i].most + 1), FH_INVALID);
        assert_int_equal(get(w, s, rows[i].option), rows[i].first);
        set(w, s, rows[i].option, rows[i].most);
        assert_int_equal(get(w, s, rows[i].option), rows[i].most);
        set(w, s, rows[i].option, rows[i].least);
        assert_int_equal(get(w, s, rows[i].option), rows[i].least);
    }
    fh_assert_code(fh_sock_set(w.c, s, FH_SOCK_TYPE, 1), FH_UNSUPPORTED);
    fh_assert_code(fh_sock_set(w.c, s, (fh_sock_option)999, 1), FH_UNSUPPORTED);
    int64_t value;
    fh_assert_code(fh_sock_get(w.c, s, (fh_sock_option)999, &value), FH_UNSUPPORTED);
    assert_int_equal(get(w, s, FH_SOCK_TYPE), FH_ZMTP_ROUTER);
    world_free(w);
}

static void test_events(void **state) {
    world w = world_new(state);
    fh_sock rep = bound(w, FH_ZMTP_REP, NAME), req = open_sock(w, FH_ZMTP_REQ);
    assert_int_equal(get(w, req, FH_SOCK_EVENTS), 0);
    connect_to(w, req, NAME);
    assert_int_equal(get(w, req, FH_SOCK_EVENTS), FH_SOCK_WRITABLE);
    assert_int_equal(get(w, rep, FH_SOCK_EVENTS), 0);
    say_ok(w, req, "q");
    assert_int_equal(get(w, req, FH_SOCK_EVENTS), 0);
    assert_int_equal(get(w, rep, FH_SOCK_EVENTS), FH_SOCK_READABLE);
    hear(w, rep, "q");
    assert_int_equal(get(w, rep, FH_SOCK_EVENTS), FH_SOCK_WRITABLE);
    say_ok(w, rep, "a");
    assert_int_equal(get(w, req, FH_SOCK_EVENTS), FH_SOCK_READABLE);
    assert_int_equal(get(w, open_sock(w, FH_ZMTP_PUB), FH_SOCK_EVENTS), FH_SOCK_WRITABLE);
    assert_int_equal(get(w, open_sock(w, FH_ZMTP_XPUB), FH_SOCK_EVENTS), FH_SOCK_WRITABLE);
    world_free(w);
}

/* --- many messages -------------------------------------------------------------------------------------------------------- */

static void test_batches(void **state) {
    world w = world_new(state);
    fh_sock pull = bound(w, FH_ZMTP_PULL, NAME), push = open_sock(w, FH_ZMTP_PUSH);
    fh_message out[8] = {0}, in[8] = {0};
    size_t done;
    set(w, push, FH_SOCK_SEND_MARK, 5);
    close_sock(w, pull);
    pull = open_sock(w, FH_ZMTP_PULL);
    set(w, pull, FH_SOCK_RECEIVE_MARK, 1);
    fh_err err = {0};
    fh_assert_ok(fh_sock_bind(w.c, pull, FH_LIT(NAME), &err));
    connect_to(w, push, NAME);
    for (int i = 0; i < 8; i++)
        fh_assert_ok(fh_message_push_copy(&out[i], w.a, FH_LIT("m")));
    fh_assert_ok(fh_sock_send_n(w.c, push, (fh_messages){out, 8}, &done));
    assert_int_equal(done, 6);
    assert_int_equal(fh_message_count(&out[5]), 0);
    assert_int_equal(fh_message_count(&out[6]), 1);
    fh_assert_ok(fh_sock_receive_n(w.c, pull, (fh_messages){in, 8}, &done));
    assert_int_equal(done, 6);
    fh_assert_ok(fh_sock_receive_n(w.c, pull, (fh_messages){in, 0}, &done));
    set(w, pull, FH_SOCK_RECEIVE_TIMEOUT, 0);
    fh_assert_code(fh_sock_receive_n(w.c, pull, (fh_messages){in + 6, 2}, &done), FH_AGAIN);
    assert_int_equal(done, 0);
    for (int i = 0; i < 8; i++) {
        fh_message_drop(&out[i], w.a);
        fh_message_drop(&in[i], w.a);
    }
    world_free(w);
}

enum { SOURCES = 3 };

typedef struct source {
    world w;
    uint64_t count;
    uint32_t number;
} source;

static void *push_numbers(void *arg) {
    source *t = arg;
    fh_sock s = {0};
    fh_err err = {0};
    fh_status status = fh_sock_open(t->w.c, FH_ZMTP_PUSH, &s);
    FH_ASSERT(!fh_failed(status));
    status = fh_sock_set(t->w.c, s, FH_SOCK_SEND_MARK, 4 + t->number);
    FH_ASSERT(!fh_failed(status));
    status = fh_sock_connect(t->w.c, s, FH_LIT(NAME), &err);
    FH_ASSERT(!fh_failed(status));
    for (uint64_t i = 0; i < t->count; i++) {
        uint8_t bytes[16] = {0};
        fh_message m = {0};
        fh_mspan_put_u64((fh_mspan){bytes, 16}, 0, t->number);
        fh_mspan_put_u64((fh_mspan){bytes, 16}, 8, i);
        status = fh_message_push_copy(&m, t->w.a, (fh_span){bytes, 16});
        FH_ASSERT(!fh_failed(status));
        status = fh_sock_send(t->w.c, s, &m);
        FH_ASSERT(!fh_failed(status));
    }
    status = fh_sock_close(t->w.c, s); /* with messages in flight */
    FH_ASSERT(!fh_failed(status));
    return NULL;
}

/* Several threads push through small lanes, so that all sides wait often: nothing is lost, doubled or out of order. */
static void test_threads(void **state) {
    world w = world_new(state);
    fh_sock pull = open_sock(w, FH_ZMTP_PULL);
    fh_err err = {0};
    uint64_t count = fh_test_ops() / 100, next[SOURCES] = {0};
    source t[SOURCES];
    pthread_t ids[SOURCES];
    set(w, pull, FH_SOCK_RECEIVE_MARK, 3);
    fh_assert_ok(fh_sock_bind(w.c, pull, FH_LIT(NAME), &err));
    for (uint32_t i = 0; i < SOURCES; i++) {
        t[i] = (source){w, count, i};
        ids[i] = start(push_numbers, &t[i]);
    }
    for (uint64_t i = 0; i < count * SOURCES; i++) {
        fh_message m = {0};
        fh_assert_ok(fh_sock_receive(w.c, pull, &m));
        fh_span bytes = fh_message_view(&m, 0);
        uint64_t from = fh_span_u64(bytes, 0);
        assert_true(from < SOURCES);
        assert_int_equal(fh_span_u64(bytes, 8), next[from]++);
        fh_message_drop(&m, w.a);
    }
    for (uint32_t i = 0; i < SOURCES; i++)
        join(ids[i]);
    hear_none(w, pull);
    world_free(w);
}

static void *echo(void *arg) {
    source *t = arg;
    fh_sock s = {0};
    fh_err err = {0};
    fh_status status = fh_sock_open(t->w.c, FH_ZMTP_REP, &s);
    FH_ASSERT(!fh_failed(status));
    status = fh_sock_bind(t->w.c, s, FH_LIT(NAME), &err);
    FH_ASSERT(!fh_failed(status));
    for (;;) {
        fh_message m = {0};
        status = fh_sock_receive(t->w.c, s, &m);
        if (status.code == FH_CANCELED)
            return NULL;
        FH_ASSERT(!fh_failed(status));
        status = fh_sock_send(t->w.c, s, &m);
        FH_ASSERT(!fh_failed(status));
    }
}

/* A question and its answer, again and again: each one finds the other asleep, or nearly so. */
static void test_questions(void **state) {
    world w = world_new(state);
    source t = {.w = w};
    fh_sock req = connected(w, FH_ZMTP_REQ, NAME);
    pthread_t id = start(echo, &t);
    uint64_t count = fh_test_ops() / 300;
    for (uint64_t i = 0; i < count; i++) {
        fh_message m = message_of(w.a, "a question|in two parts");
        fh_assert_ok(fh_sock_send(w.c, req, &m));
        fh_assert_ok(fh_sock_receive(w.c, req, &m));
        assert_int_equal(fh_message_count(&m), 2);
        fh_message_drop(&m, w.a);
    }
    fh_sock_context_stop(w.c);
    join(id);
    world_free(w);
}

/* --- memory --------------------------------------------------------------------------------------------------------------- */

/* Every type of socket does something. */
static fh_status do_all(fh_allocator *a, fh_sock_context *c) {
    static const struct {
        fh_zmtp_socket binds, connects;
    } pairs[] = {{FH_ZMTP_ROUTER, FH_ZMTP_REQ}, {FH_ZMTP_XPUB, FH_ZMTP_SUB},
                 {FH_ZMTP_DEALER, FH_ZMTP_REP}, {FH_ZMTP_XSUB, FH_ZMTP_PUB}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        fh_sock x, y;
        fh_message m = {0};
        FH_TRY(fh_sock_open(c, pairs[i].binds, &x));
        FH_TRY(fh_sock_open(c, pairs[i].connects, &y));
        char name[] = "inproc://a";
        name[9] = (char)('a' + i);
        FH_TRY(fh_sock_bind(c, x, fh_span_of_str(name), NULL));
        if (pairs[i].connects == FH_ZMTP_SUB)
            FH_TRY(fh_sock_subscribe(c, y, FH_LIT("")));
        FH_TRY(fh_sock_connect(c, y, fh_span_of_str(name), NULL));
        fh_sock from = pairs[i].connects == FH_ZMTP_REQ || pairs[i].connects == FH_ZMTP_PUB ? y : x;
        fh_status s = fh_message_push_copy(&m, a, FH_LIT("\1"));
        for (int k = 0; k < 2 && !fh_failed(s) && pairs[i].binds == FH_ZMTP_ROUTER; k++)
            s = fh_message_push_copy(&m, a, FH_LIT("part"));
        if (!fh_failed(s))
            s = fh_sock_try_send(c, from, &m);
        if (s.code == FH_NOMEM && fh_message_count(&m) != 0)
            s = fh_sock_try_send(c, from, &m); /* a refused call has changed nothing */
        if (!fh_failed(s))
            s = fh_sock_try_receive(c, from.value == x.value ? y : x, &m);
        fh_message_drop(&m, a);
        if (fh_failed(s) && s.code != FH_AGAIN)
            return s;
    }
    return FH_DONE;
}

static fh_status one_life(fh_allocator *a, void *arg) {
    (void)arg;
    fh_sock_context *c;
    FH_TRY(fh_sock_context_new(a, &(fh_sock_context_options){.sockets_max = 9}, &c));
    fh_status s = do_all(a, c);
    fh_sock_context_free(c);
    return s;
}

static void test_each_allocation_fails(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), one_life, NULL) > 40);
}

/* A newcomer for whom there was no memory comes again. */
static void test_newcomer_again(void **state) {
    world w = world_new(state);
    fh_sock pull = bound(w, FH_ZMTP_PULL, NAME), push = connected(w, FH_ZMTP_PUSH, NAME);
    say_ok(w, push, "m");
    fh_message m = {0};
    fh_trace_fail_at(fh_test_trace(state), 1);
    fh_assert_code(fh_sock_try_receive(w.c, pull, &m), FH_NOMEM);
    hear(w, pull, "m");
    world_free(w);
}

/* The steady state allocates nothing, whatever is in front of a message. */
static void test_counts(void **state) {
    world w = world_new(state);
    fh_sock router = bound(w, FH_ZMTP_ROUTER, NAME), req = connected(w, FH_ZMTP_REQ, NAME);
    fh_message m = message_of(w.a, "body");
    uint64_t before = 0;
    for (int i = 0; i < 100; i++) {
        if (i == 1)
            before = fh_trace_stats(fh_test_trace(state)).allocs;
        fh_assert_ok(fh_sock_send(w.c, req, &m));
        fh_assert_ok(fh_sock_receive(w.c, router, &m));
        assert_int_equal(fh_message_count(&m), 3);
        fh_assert_ok(fh_sock_send(w.c, router, &m));
        fh_assert_ok(fh_sock_receive(w.c, req, &m));
    }
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).allocs, before);
    fh_message_drop(&m, w.a);
    world_free(w);
    fh_assert_code(fh_sock_context_new(w.a, &(fh_sock_context_options){.sockets_max = 65536}, &w.c), FH_LIMIT);
    assert_null(w.c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_stale),           FH_TEST_ALLOC(test_borrowed),      FH_TEST_ALLOC(test_names),
        FH_TEST_ALLOC(test_connect_first),   FH_TEST_ALLOC(test_close_in_flight), FH_TEST_ALLOC(test_disconnect),
        FH_TEST_ALLOC(test_timeouts),        FH_TEST_ALLOC(test_stop),          FH_TEST_ALLOC(test_signals),
        FH_TEST_ALLOC(test_poll),
        FH_TEST_ALLOC(test_options),         FH_TEST_ALLOC(test_events),        FH_TEST_ALLOC(test_batches),
        FH_TEST_ALLOC(test_threads),         FH_TEST_ALLOC(test_questions),     FH_TEST_ALLOC(test_each_allocation_fails),
        FH_TEST_ALLOC(test_newcomer_again),  FH_TEST_ALLOC(test_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
