/* test_option.c: options that change what a pattern does (sock.h, pattern.c, peers.c). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#include "freehold/atomic.h"
#include "conn_world.h"

#define NAME "inproc://x"

static void want(world w, fh_sock s, const char *prefix) {
    fh_assert_ok(fh_sock_subscribe(w.c, s, fh_span_of_str(prefix)));
}
static void want_no_more(world w, fh_sock s, const char *prefix) {
    fh_assert_ok(fh_sock_unsubscribe(w.c, s, fh_span_of_str(prefix)));
}
/* What an XPUB receives: 1 or 0 and a prefix. */
static void hear_wish(world w, fh_sock s, uint8_t first, const char *prefix) {
    fh_message m = {0};
    fh_assert_ok(fh_sock_receive(w.c, s, &m));
    assert_int_equal(fh_message_count(&m), 1);
    assert_int_equal(fh_span_at(fh_message_view(&m, 0), 0), first);
    fh_test_span(fh_span_from(fh_message_view(&m, 0), 1), prefix, __FILE__, __LINE__);
    fh_message_drop(&m, w.a);
}

/* --- values --------------------------------------------------------------------------------------------------------------- */

static void test_values(void **state) {
    world w = world_new(state);
    fh_sock s = open_sock(w, FH_ZMTP_PAIR);
    static const struct {
        fh_sock_option option;
        int64_t first, least, most;
    } rows[] = {
#define ROW(name, field, number, value, low, high) {FH_SOCK_##name, (value), (low), (high)},
        FH_SOCK_OPTIONS(ROW)
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(get(w, s, rows[i].option) == rows[i].first);
        set(w, s, rows[i].option, rows[i].least);
        assert_true(get(w, s, rows[i].option) == rows[i].least);
        fh_assert_code(fh_sock_set(w.c, s, rows[i].option, rows[i].least - 1), FH_INVALID);
        if (rows[i].most != INT64_MAX)
            fh_assert_code(fh_sock_set(w.c, s, rows[i].option, rows[i].most + 1), FH_INVALID);
        assert_true(get(w, s, rows[i].option) == rows[i].least); /* a refused value changes nothing */
    }
    fh_assert_code(fh_sock_set(w.c, s, FH_SOCK_TYPE, 1), FH_UNSUPPORTED);
    fh_assert_code(fh_sock_set(w.c, s, (fh_sock_option)1, 1), FH_UNSUPPORTED);
    int64_t value = 7;
    fh_assert_code(fh_sock_get(w.c, s, (fh_sock_option)1, &value), FH_UNSUPPORTED);
    assert_int_equal(value, 0);
    fh_assert_code(fh_sock_welcome(w.c, s, FH_LIT("x")), FH_UNSUPPORTED);
    fh_assert_code(fh_sock_name_next(w.c, s, FH_LIT("x")), FH_UNSUPPORTED);
    fh_assert_code(fh_sock_name_next(w.c, s, FH_LIT("")), FH_INVALID);
    world_free(w);
}

/* --- a descriptor for an event loop --------------------------------------------------------------------------------------- */

static int bell_of(world w, fh_sock s) {
    int fd = -1;
    fh_assert_ok(fh_sock_bell(w.c, s, &fd));
    assert_true(fd >= 0);
    return fd;
}
static bool is_readable(world w, fh_sock s) {
    return (get(w, s, FH_SOCK_EVENTS) & FH_SOCK_READABLE) != 0;
}

/* It rings for what is told, until the events are read. */
static void test_bell(void **state) {
    world w = world_new(state);
    fh_sock pull = bound(w, FH_ZMTP_PULL, NAME), push = connected(w, FH_ZMTP_PUSH, NAME);
    int fd = bell_of(w, pull), other = bell_of(w, push);
    assert_int_not_equal(fd, other);
    assert_int_equal(bell_of(w, pull), fd); /* asked again, it is the same */
    assert_false(is_readable(w, pull));
    (void)get(w, push, FH_SOCK_EVENTS);
    assert_false(rings(fd, 0));
    say_ok(w, push, "1");
    assert_true(rings(fd, 0));
    assert_false(rings(other, 0));
    assert_true(is_readable(w, pull));
    assert_false(rings(fd, 0));
    assert_true(is_readable(w, pull)); /* what was not taken is told again */
    hear(w, pull, "1");
    assert_false(is_readable(w, pull));
    fh_sock_poll_item item = {pull, FH_SOCK_READABLE, 0};
    size_t count;
    fh_assert_code(fh_sock_poll(w.c, (fh_sock_poll_items){&item, 1}, 0, &count), FH_TIMEOUT);
    assert_false(rings(fd, 0));
    say_ok(w, push, "2"); /* a poll in between has not unhung it */
    assert_true(rings(fd, 0));
    assert_true(is_readable(w, pull));
    hear(w, pull, "2");
    assert_false(is_readable(w, pull));
    fh_sock_context_stop(w.c);
    assert_true(rings(fd, 0) && rings(other, 0));
    world_free(w);
}

/* The descriptor is the context's: it outlives the socket, serves the next one in its place, and goes with the context. */
static void test_bell_life(void **state) {
    size_t before = descriptors();
    int fd;
    world w = world_new(state);
    fh_sock gone = open_sock(w, FH_ZMTP_PULL);
    struct rlimit most, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &most), 0);
    none = most;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    fh_status refused = fh_sock_bell(w.c, gone, &fd);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &most), 0);
    fh_assert_code(refused, FH_EXHAUSTED);
    assert_int_equal(fd, -1);
    int bell = bell_of(w, gone);
    assert_int_equal(bell_of(w, gone), bell);
    close_sock(w, gone);
    assert_true(fcntl(bell, F_GETFD) >= 0);
    fh_assert_code(fh_sock_bell(w.c, gone, &fd), FH_STALE);
    assert_int_equal(fd, -1);
    fh_sock next = bound(w, FH_ZMTP_PULL, NAME), push = connected(w, FH_ZMTP_PUSH, NAME);
    assert_int_equal((uint32_t)next.value, (uint32_t)gone.value);
    assert_int_equal(bell_of(w, next), bell);
    assert_false(is_readable(w, next));
    assert_false(rings(bell, 0));
    say_ok(w, push, "1");
    assert_true(rings(bell, 0));
    world_free(w);
    assert_int_equal(descriptors(), before);
}

typedef struct talker {
    world w;
    fh_sock s;
    uint64_t count;
    fh_status status;
} talker;

static void *talk(void *arg) {
    talker *t = arg;
    t->status = FH_DONE;
    for (uint64_t i = 0; i < t->count && !fh_failed(t->status); i++) {
        fh_message m = {0};
        t->status = fh_message_push_copy(&m, t->w.a, FH_LIT("x"));
        if (!fh_failed(t->status))
            t->status = fh_sock_send(t->w.c, t->s, &m);
        fh_message_drop(&m, t->w.a);
    }
    return NULL;
}

/* Who sleeps at the descriptor, and looks only when it rings, misses nothing. */
static void test_bell_threads(void **state) {
    for (transport t = INPROC; t <= TCP; t++) {
        world w = world_new(state);
        fh_sock pull = open_patient(w, FH_ZMTP_PULL);
        int fd = bell_of(w, pull);
        wire_name n = bind_fresh(w, pull, t);
        talker k = {.w = w, .s = connect_patient(w, FH_ZMTP_PUSH, n), .count = fh_test_ops() / 500};
        pthread_t id;
        assert_int_equal(pthread_create(&id, NULL, talk, &k), 0);
        for (uint64_t got = 0; got < k.count;) {
            assert_true(rings(fd, LONG_MS));
            for (; is_readable(w, pull); got++)
                hear(w, pull, "x");
        }
        assert_int_equal(pthread_join(id, NULL), 0);
        fh_assert_ok(k.status);
        world_stop(w);
    }
}

/* --- a watcher ------------------------------------------------------------------------------------------------------------ */

typedef struct witness {
    const char *name; /* of the endpoint that it is to be told of */
    uint32_t kinds, calls, strange;
} witness;

static void note(void *ctx, fh_sock_happening kind, int64_t value, fh_span endpoint) {
    witness *seen = ctx;
    (void)value;
    (void)fh_fetch_or(&seen->kinds, (uint32_t)kind, FH_RELAXED);
    (void)fh_fetch_add(&seen->calls, 1, FH_RELAXED);
    (void)fh_fetch_add(&seen->strange, !fh_span_equal(endpoint, fh_span_of_str(seen->name)), FH_RELAXED);
}

/* A watcher is told what it asked for, of endpoints that came after it, until another takes its place. */
static void test_watch(void **state) {
    enum { KINDS = FH_SOCK_IS_HANDSHAKE_SUCCEEDED | FH_SOCK_IS_DISCONNECTED };
    world w = world_new(state);
    fh_sock push = open_patient(w, FH_ZMTP_PUSH), pull = open_patient(w, FH_ZMTP_PULL), again = open_patient(w, FH_ZMTP_PULL);
    fh_sock_event e;
    witness first = {0}, second = {0};
    fh_assert_ok(fh_sock_watch(w.c, push, KINDS, (fh_sock_watcher){note, &first}));
    fh_trace_fail_at(fh_test_trace(state), 1);
    fh_assert_code(fh_sock_watch(w.c, push, KINDS, (fh_sock_watcher){note, &second}), FH_NOMEM); /* and the first one stays */
    wire_name n = bind_fresh(w, pull, ABSTRACT), m = fresh_name(ABSTRACT);
    first.name = n.text;
    second.name = m.text;
    connect_to(w, push, n.text);
    tell(w, push, "x");
    await(w, pull, "x");
    assert_int_equal(fh_load(&first.kinds, FH_RELAXED), FH_SOCK_IS_HANDSHAKE_SUCCEEDED);
    assert_int_equal(fh_load(&first.calls, FH_RELAXED), 1);
    fh_assert_code(fh_sock_event_next(w.c, push, &e), FH_AGAIN); /* there is no row of events */
    assert_int_equal(get(w, push, FH_SOCK_EVENTS) & FH_SOCK_HAPPENED, 0);
    fh_assert_ok(fh_sock_watch(w.c, push, FH_SOCK_IS_ANY, (fh_sock_watcher){note, &second}));
    close_sock(w, pull);
    watch_all(w, again);
    assert_int_equal(bind_to(w, again, n.text), FH_OK);
    (void)await_event(w, again, FH_SOCK_IS_HANDSHAKE_SUCCEEDED); /* so the other side was disconnected, and has connected */
    assert_int_equal(fh_load(&first.calls, FH_RELAXED), 1);
    assert_int_equal(fh_load(&second.calls, FH_RELAXED), 0);
    connect_to(w, push, m.text);
    assert_int_equal(bind_to(w, again, m.text), FH_OK);
    (void)await_event(w, again, FH_SOCK_IS_HANDSHAKE_SUCCEEDED);
    assert_true((fh_load(&second.kinds, FH_RELAXED) & FH_SOCK_IS_CONNECTED) != 0);
    fh_assert_ok(fh_sock_watch(w.c, push, 0, (fh_sock_watcher){0}));
    uint32_t calls = fh_load(&second.calls, FH_RELAXED);
    close_sock(w, again);
    close_sock(w, push); /* its connections have ended when this comes back */
    assert_int_equal(fh_load(&second.calls, FH_RELAXED), calls);
    assert_int_equal(fh_load(&first.strange, FH_RELAXED) + fh_load(&second.strange, FH_RELAXED), 0);
    world_stop(w);
}

/* --- CONFLATE ------------------------------------------------------------------------------------------------------------- */

/* Whole messages; the newest one stays, however many were sent, and each is received once. */
static void test_conflate(void **state) {
    world w = world_new(state);
    for (int who = 0; who < 2; who++) { /* either side may ask for it */
        fh_sock pull = open_sock(w, FH_ZMTP_PULL), push = open_sock(w, FH_ZMTP_PUSH);
        set(w, who == 0 ? push : pull, FH_SOCK_CONFLATE, 1);
        fh_assert_ok(fh_sock_bind(w.c, pull, FH_LIT(NAME), NULL));
        connect_to(w, push, NAME);
        for (int i = 0; i < 3000; i++)
            say_ok(w, push, "a|b|c|d|old");
        say_ok(w, push, "a|b|c|d|new");
        hear(w, pull, "a|b|c|d|new");
        hear_none(w, pull);
        say_ok(w, push, "1");
        assert_int_equal(get(w, pull, FH_SOCK_EVENTS) & FH_SOCK_READABLE, FH_SOCK_READABLE);
        say_ok(w, push, "2"); /* newer than what was looked at */
        hear(w, pull, "2");
        say_ok(w, push, "left behind");
        close_sock(w, push);
        hear(w, pull, "left behind");
        close_sock(w, pull);
    }
    world_free(w);
}

/* A subscriber of the newest keeps all its subscriptions, near and far. */
static void test_conflate_subscriptions(void **state) {
    world w = world_new(state);
    fh_sock pub = open_patient(w, FH_ZMTP_XPUB), sub = open_patient(w, FH_ZMTP_SUB);
    set(w, sub, FH_SOCK_CONFLATE, 1);
    wire_name n = bind_fresh(w, pub, TCP);
    want(w, sub, "a");
    want(w, sub, "b");
    want(w, sub, "c");
    connect_to(w, sub, n.text);
    hear_wish(w, pub, 1, "a");
    hear_wish(w, pub, 1, "b");
    hear_wish(w, pub, 1, "c");
    tell(w, pub, "a first");
    tell(w, pub, "d unwanted");
    tell(w, pub, "b last");
    char last[16] = {0};
    while (strcmp(last, "b last") != 0) { /* how many come between depends on who is quicker */
        fh_message m = {0};
        fh_assert_ok(fh_sock_receive(w.c, sub, &m));
        fh_span text = fh_message_view(&m, 0);
        fh_span_copy((fh_mspan){(uint8_t *)last, sizeof last - 1}, text);
        last[text.size] = '\0';
        fh_message_drop(&m, w.a);
    }
    hear_none(w, sub);
    world_stop(w);
}

/* --- XPUB ----------------------------------------------------------------------------------------------------------------- */

static void test_verboser(void **state) {
    world w = world_new(state);
    fh_sock pub = bound(w, FH_ZMTP_XPUB, NAME), a = connected(w, FH_ZMTP_SUB, NAME), b = connected(w, FH_ZMTP_SUB, NAME);
    set(w, pub, FH_SOCK_XPUB_VERBOSER, 1);
    want(w, a, "t");
    want(w, b, "t");
    hear_wish(w, pub, 1, "t");
    fh_assert_code(fh_sock_subscribe(w.c, pub, FH_LIT("x")), FH_INVALID); /* it is not for us to subscribe */
    hear_wish(w, pub, 1, "t");
    want_no_more(w, a, "t");
    hear_wish(w, pub, 0, "t"); /* b has it still */
    want(w, a, "u");
    hear_wish(w, pub, 1, "u");
    close_sock(w, b);
    hear_wish(w, pub, 0, "t");
    close_sock(w, a);
    hear_wish(w, pub, 0, "u");
    hear_none(w, pub);
    world_free(w);
}

/* The application decides what a subscription means; when the peer goes it hears of what that had asked for. */
static void test_manual(void **state) {
    world w = world_new(state);
    fh_sock pub = open_sock(w, FH_ZMTP_XPUB);
    fh_assert_code(fh_sock_subscribe(w.c, pub, FH_LIT("x")), FH_INVALID);
    set(w, pub, FH_SOCK_XPUB_MANUAL, 1);
    fh_assert_code(fh_sock_subscribe(w.c, pub, FH_LIT("x")), FH_INVALID); /* nobody was heard */
    fh_assert_ok(fh_sock_bind(w.c, pub, FH_LIT(NAME), NULL));
    fh_sock a = connected(w, FH_ZMTP_XSUB, NAME), b = connected(w, FH_ZMTP_XSUB, NAME);
    say_ok(w, a, "\1A");
    say_ok(w, b, "\1A");
    hear_wish(w, pub, 1, "A");
    want(w, pub, "XA");
    hear_wish(w, pub, 1, "A"); /* the second of its kind is heard of too */
    want(w, pub, "XB");
    say_ok(w, pub, "A");
    say_ok(w, pub, "XA1");
    say_ok(w, pub, "XB1");
    hear(w, a, "XA1");
    hear_none(w, a);
    hear(w, b, "XB1");
    hear_none(w, b);
    close_sock(w, b);
    hear_wish(w, pub, 0, "A"); /* a wants it still */
    close_sock(w, a);
    hear_wish(w, pub, 0, "A");
    fh_assert_code(fh_sock_unsubscribe(w.c, pub, FH_LIT("XA")), FH_INVALID); /* its peer is gone */
    fh_sock c = connected(w, FH_ZMTP_XSUB, NAME);
    (void)get(w, pub, FH_SOCK_EVENTS);
    fh_assert_code(fh_sock_subscribe(w.c, pub, FH_LIT("XA")), FH_INVALID); /* another one is in its place */
    say_ok(w, c, "\1C");
    hear_wish(w, pub, 1, "C");
    want(w, pub, "XC");
    say_ok(w, pub, "XC");
    world_free(w);
}

/* An XSUB's word of a subscription that ends. */
static void take_back(world w, fh_sock s, fh_span text) {
    fh_message m = {0};
    fh_assert_ok(fh_message_push_copy(&m, w.a, text));
    fh_assert_ok(fh_sock_try_send(w.c, s, &m));
    fh_message_drop(&m, w.a);
}

/* What is sent after a subscription was received goes to that peer only, once. */
static void test_last_value(void **state) {
    world w = world_new(state);
    fh_sock pub = open_sock(w, FH_ZMTP_XPUB);
    set(w, pub, FH_SOCK_XPUB_MANUAL_LAST_VALUE, 1);
    set(w, pub, FH_SOCK_XPUB_NODROP, 1);
    set(w, pub, FH_SOCK_SEND_MARK, 1);
    fh_assert_ok(fh_sock_bind(w.c, pub, FH_LIT(NAME), NULL));
    fh_sock a = open_sock(w, FH_ZMTP_XSUB), b = open_sock(w, FH_ZMTP_XSUB);
    set(w, a, FH_SOCK_RECEIVE_MARK, 1);
    set(w, b, FH_SOCK_RECEIVE_MARK, 1);
    connect_to(w, a, NAME);
    connect_to(w, b, NAME);
    say_ok(w, a, "\1A");
    hear_wish(w, pub, 1, "A");
    want(w, pub, "A");
    want(w, pub, "A"); /* no second one of a peer */
    say_ok(w, pub, "B0"); /* what it does not want neither; but that was the one */
    say_ok(w, b, "\1A");
    hear_wish(w, pub, 1, "A");
    want(w, pub, "A");
    say_ok(w, pub, "A1");
    fh_assert_code(fh_sock_subscribe(w.c, pub, FH_LIT("A")), FH_INVALID); /* that one is done with */
    hear(w, b, "A1");
    hear_none(w, a);
    say_ok(w, pub, "A2");
    say_ok(w, pub, "A3");
    assert_int_equal(say(w, pub, "A4"), FH_AGAIN); /* both are full */
    say_ok(w, b, "\1B");
    hear_wish(w, pub, 1, "B");
    assert_int_equal(say(w, pub, "A5"), FH_AGAIN); /* refused, so the next one is still for b alone */
    hear(w, b, "A2");
    hear(w, b, "A3");
    say_ok(w, pub, "A6");
    hear(w, b, "A6");
    hear(w, a, "A2");
    hear(w, a, "A3");
    hear_none(w, a);
    take_back(w, a, FH_LIT("\0A"));
    hear_wish(w, pub, 0, "A");
    want_no_more(w, pub, "A");
    say_ok(w, pub, "A7");
    say_ok(w, pub, "A8");
    hear_none(w, a);
    hear(w, b, "A8");
    world_free(w);
}

/* To the application subscriptions count; publishers are told each of them, and the end of the last. Said again by one peer
 * it is the same one. */
static void test_said_again(void **state) {
    world w = world_new(state);
    fh_sock pub = open_sock(w, FH_ZMTP_XPUB);
    set(w, pub, FH_SOCK_XPUB_VERBOSER, 1);
    fh_assert_ok(fh_sock_bind(w.c, pub, FH_LIT(NAME), NULL));
    fh_sock sub = connected(w, FH_ZMTP_SUB, NAME), raw = connected(w, FH_ZMTP_XSUB, NAME);
    want(w, sub, "t");
    want(w, sub, "t");
    hear_wish(w, pub, 1, "t");
    hear_wish(w, pub, 1, "t");
    want_no_more(w, sub, "t");
    hear_none(w, pub);
    say_ok(w, pub, "t1");
    hear(w, sub, "t1");
    want_no_more(w, sub, "t");
    hear_wish(w, pub, 0, "t");
    say_ok(w, raw, "\1u");
    say_ok(w, raw, "\1u");
    hear_wish(w, pub, 1, "u");
    hear_wish(w, pub, 1, "u");
    take_back(w, raw, FH_LIT("\0u"));
    hear_none(w, pub);
    take_back(w, raw, FH_LIT("\0u"));
    hear_wish(w, pub, 0, "u");
    say_ok(w, pub, "u1");
    hear_none(w, raw);
    fh_sock late = open_sock(w, FH_ZMTP_SUB);
    want(w, late, "v");
    want(w, late, "v");
    connect_to(w, late, NAME);
    hear_wish(w, pub, 1, "v");
    hear_none(w, pub);
    world_free(w);
}

static void test_nodrop(void **state) {
    world w = world_new(state);
    fh_sock pub = open_sock(w, FH_ZMTP_XPUB), a = open_sock(w, FH_ZMTP_SUB), b = open_sock(w, FH_ZMTP_SUB);
    set(w, pub, FH_SOCK_SEND_MARK, 1);
    set(w, a, FH_SOCK_RECEIVE_MARK, 1);
    set(w, b, FH_SOCK_RECEIVE_MARK, 1);
    set(w, pub, FH_SOCK_XPUB_NODROP, 1);
    fh_assert_ok(fh_sock_bind(w.c, pub, FH_LIT(NAME), NULL));
    want(w, a, "");
    want(w, b, "y");
    connect_to(w, a, NAME);
    connect_to(w, b, NAME);
    say_ok(w, pub, "x1");
    say_ok(w, pub, "x2");
    assert_int_equal(say(w, pub, "y"), FH_AGAIN); /* nobody gets it before all can */
    fh_assert_code(fh_sock_may_send(w.c, pub, FH_LIT("y")), FH_AGAIN); /* also of one that is not whole yet */
    hear_none(w, b);
    hear(w, a, "x1");
    hear(w, a, "x2");
    fh_assert_ok(fh_sock_may_send(w.c, pub, FH_LIT("y")));
    say_ok(w, pub, "y");
    hear(w, a, "y");
    hear(w, b, "y");
    world_free(w);
}

/* A number as four bytes: the prefix of one of many subscriptions. */
typedef struct number_text {
    uint8_t bytes[4];
} number_text;
static number_text text_of(uint32_t number) {
    number_text t = {{0}};
    fh_mspan_put_u32((fh_mspan){t.bytes, sizeof t.bytes}, 0, number);
    return t;
}
/* An XPUB hears that a number was subscribed, or is not any more. */
static uint32_t hear_number(world w, fh_sock s, uint8_t first) {
    fh_message m = {0};
    fh_assert_ok(fh_sock_try_receive(w.c, s, &m));
    assert_int_equal(fh_message_view(&m, 0).size, 5);
    assert_int_equal(fh_span_at(fh_message_view(&m, 0), 0), first);
    uint32_t number = fh_span_u32(fh_message_view(&m, 0), 1);
    fh_message_drop(&m, w.a);
    return number;
}

/* An XPUB hears the end of each subscription of a peer that leaves, also of more than wait to be heard at once, but for those
 * that another one has. Meanwhile the peer that has gone is in nobody's way. */
static void test_leaves_much(void **state) {
    enum { COUNT = 20000, AT_ONCE = 1000, OTHERS = 7 };
    static bool ended[COUNT];
    world w = world_new(state);
    fh_sock pub = open_sock(w, FH_ZMTP_XPUB), a = open_sock(w, FH_ZMTP_SUB), b = open_sock(w, FH_ZMTP_SUB);
    set(w, pub, FH_SOCK_XPUB_NODROP, 1);
    assert_int_equal(bind_to(w, pub, NAME), FH_OK);
    connect_to(w, a, NAME);
    connect_to(w, b, NAME);
    for (uint32_t i = 0; i < COUNT; i++) {
        number_text t = text_of(i);
        fh_assert_ok(fh_sock_subscribe(w.c, a, (fh_span){t.bytes, 4}));
        for (uint32_t j = 0; i % AT_ONCE == AT_ONCE - 1 && j < AT_ONCE; j++)
            assert_int_equal(hear_number(w, pub, 1), i - (AT_ONCE - 1) + j);
    }
    for (uint32_t i = COUNT - OTHERS; i < COUNT; i++) {
        number_text t = text_of(i);
        fh_assert_ok(fh_sock_subscribe(w.c, b, (fh_span){t.bytes, 4}));
    }
    hear_none(w, pub);
    close_sock(w, a);
    assert_true(is_readable(w, pub));
    fh_message m = {0};
    for (uint32_t i = 0; i <= OTHERS; i++) { /* the first was only wanted by who has gone */
        number_text t = text_of(COUNT - 1 - OTHERS + i);
        fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){t.bytes, 4}));
        fh_assert_ok(fh_sock_try_send(w.c, pub, &m));
    }
    for (uint32_t i = 0; i < OTHERS; i++) {
        fh_assert_ok(fh_sock_try_receive(w.c, b, &m));
        assert_int_equal(fh_span_u32(fh_message_view(&m, 0), 0), COUNT - OTHERS + i);
        fh_message_clear(&m, w.a);
    }
    memset(ended, 0, sizeof ended);
    for (uint32_t i = 0; i < COUNT - OTHERS; i++) {
        uint32_t number = hear_number(w, pub, 0);
        assert_true(number < COUNT - OTHERS && !ended[number]);
        ended[number] = true;
    }
    hear_none(w, pub);
    world_free(w);
}

/* A publisher hears of each of very many subscriptions: those that were there when it came, and those that came while it did
 * not look. */
static void hear_all(world w, fh_sock pub, fh_sock sub, uint32_t count) {
    bool *heard = calloc(count, sizeof *heard);
    assert_non_null(heard);
    uint64_t end = fh_os_clock_ns() + UINT64_C(60000000000);
    for (uint32_t i = 0; i < count;) {
        if (!is_readable(w, pub)) {
            assert_true(fh_os_clock_ns() < end);
            (void)get(w, sub, FH_SOCK_EVENTS); /* it is called now and then */
            fh_os_nap(100000);
            continue;
        }
        uint32_t number = hear_number(w, pub, 1);
        assert_true(number < count && !heard[number]);
        heard[number] = true;
        i++;
    }
    free(heard);
    number_text last = text_of(count - 1);
    fh_message m = {0};
    fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){last.bytes, 4}));
    fh_assert_ok(fh_sock_send(w.c, pub, &m));
    fh_assert_ok(fh_sock_receive(w.c, sub, &m));
    assert_int_equal(fh_span_u32(fh_message_view(&m, 0), 0), count - 1);
    fh_message_drop(&m, w.a);
}
static void test_wants_much(void **state) {
    enum { COUNT = 20000 };
    for (int how = 0; how < 3; how++) { /* over inproc and tcp, and later */
        world w = world_new(state);
        fh_sock pub = open_patient(w, FH_ZMTP_XPUB), sub = open_patient(w, FH_ZMTP_XSUB);
        wire_name n = bind_fresh(w, pub, how == 1 ? TCP : INPROC);
        if (how == 2)
            connect_to(w, sub, n.text);
        for (uint32_t i = 0; i < COUNT; i++) {
            uint8_t wish[5] = {1};
            fh_message m = {0};
            fh_mspan_put_u32((fh_mspan){wish, sizeof wish}, 1, i);
            fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){wish, sizeof wish}));
            fh_assert_ok(fh_sock_try_send(w.c, sub, &m));
        }
        if (how != 2)
            connect_to(w, sub, n.text);
        hear_all(w, pub, sub, COUNT);
        world_stop(w);
    }
}

static void test_welcome(void **state) {
    world w = world_new(state);
    fh_sock pub = open_patient(w, FH_ZMTP_XPUB), a = open_patient(w, FH_ZMTP_SUB), b = open_patient(w, FH_ZMTP_SUB);
    fh_assert_ok(fh_sock_welcome(w.c, pub, FH_LIT("W elcome")));
    wire_name n = bind_fresh(w, pub, TCP);
    want(w, a, "W");
    connect_to(w, a, n.text);
    hear_wish(w, pub, 1, "W");
    await(w, a, "W elcome");
    want(w, b, "other");
    connect_to(w, b, n.text);
    hear_wish(w, pub, 1, "other");
    tell(w, pub, "other");
    await(w, b, "other"); /* it did not want to be welcomed */
    fh_assert_ok(fh_sock_welcome(w.c, pub, FH_LIT("")));
    world_stop(w);
}

static void test_invert(void **state) {
    world w = world_new(state);
    fh_sock pub = bound(w, FH_ZMTP_PUB, NAME), a = open_sock(w, FH_ZMTP_SUB), b = open_sock(w, FH_ZMTP_SUB);
    set(w, pub, FH_SOCK_INVERT_MATCHING, 1);
    set(w, a, FH_SOCK_INVERT_MATCHING, 1);
    set(w, b, FH_SOCK_INVERT_MATCHING, 1);
    connect_to(w, a, NAME);
    connect_to(w, b, NAME);
    want(w, a, "x");
    say_ok(w, pub, "x1");
    say_ok(w, pub, "y1");
    hear(w, a, "y1");
    hear_none(w, a);
    hear(w, b, "x1");
    hear(w, b, "y1");
    world_free(w);
}

/* --- REQ ------------------------------------------------------------------------------------------------------------------ */

/* The number of a question stands in front of it, and an answer without it is nobody's. */
static void test_correlate(void **state) {
    world w = world_new(state);
    fh_sock router = bound(w, FH_ZMTP_ROUTER, NAME), req = open_sock(w, FH_ZMTP_REQ);
    set(w, req, FH_SOCK_REQ_CORRELATE, 1);
    set(w, req, FH_SOCK_REQ_RELAXED, 1);
    connect_to(w, req, NAME);
    fh_message asked[2], m = {0};
    for (int i = 0; i < 2; i++) {
        say_ok(w, req, i == 0 ? "first" : "second"); /* before an answer */
        asked[i] = (fh_message){0};
        fh_assert_ok(fh_sock_try_receive(w.c, router, &asked[i]));
        assert_int_equal(fh_message_count(&asked[i]), 4); /* name, number, nothing, text */
        assert_int_equal(fh_message_view(&asked[i], 1).size, 4);
    }
    assert_false(fh_span_equal(fh_message_view(&asked[0], 1), fh_message_view(&asked[1], 1)));
    fh_assert_ok(fh_message_share(&asked[0], w.a, &m));
    fh_assert_ok(fh_sock_try_send(w.c, router, &m)); /* the answer to the first question comes too late */
    hear_none(w, req);
    fh_message_drop(&m, w.a);
    fh_bytes name = fh_message_part(&asked[1], 0);
    fh_assert_ok(fh_message_push(&m, w.a, &name));
    fh_assert_ok(fh_message_push_copy(&m, w.a, FH_LIT("")));
    fh_assert_ok(fh_message_push_copy(&m, w.a, FH_LIT("no number")));
    fh_assert_ok(fh_sock_try_send(w.c, router, &m));
    hear_none(w, req);
    fh_bytes_drop(&name);
    fh_assert_ok(fh_sock_try_send(w.c, router, &asked[1]));
    hear(w, req, "second");
    for (int i = 0; i < 2; i++)
        fh_message_drop(&asked[i], w.a);
    fh_message_drop(&m, w.a);
    world_free(w);
}

/* Without numbers: the answer of who was asked first is not waited for. */
static void test_relaxed(void **state) {
    world w = world_new(state);
    fh_sock a = bound(w, FH_ZMTP_REP, "inproc://a"), b = bound(w, FH_ZMTP_REP, "inproc://b"), req = open_sock(w, FH_ZMTP_REQ);
    connect_to(w, req, "inproc://a");
    connect_to(w, req, "inproc://b");
    say_ok(w, req, "one");
    assert_int_equal(say(w, req, "two"), FH_INVALID);
    assert_int_equal(get(w, req, FH_SOCK_EVENTS) & FH_SOCK_WRITABLE, 0);
    set(w, req, FH_SOCK_REQ_RELAXED, 1);
    assert_int_equal(get(w, req, FH_SOCK_EVENTS) & FH_SOCK_WRITABLE, FH_SOCK_WRITABLE);
    fh_sock full = open_sock(w, FH_ZMTP_REP), eager = open_sock(w, FH_ZMTP_REQ);
    set(w, full, FH_SOCK_RECEIVE_MARK, 1);
    set(w, eager, FH_SOCK_SEND_MARK, 1);
    set(w, eager, FH_SOCK_REQ_RELAXED, 1);
    fh_assert_ok(fh_sock_bind(w.c, full, FH_LIT("inproc://full"), NULL));
    connect_to(w, eager, "inproc://full");
    say_ok(w, eager, "1");
    say_ok(w, eager, "2");
    assert_int_equal(say(w, eager, "3"), FH_AGAIN); /* no room; the second one still waits for its answer */
    hear_none(w, eager);
    hear(w, full, "1");
    say_ok(w, full, "answer");
    hear(w, eager, "answer");
    say_ok(w, req, "two");
    hear(w, a, "one");
    hear(w, b, "two");
    say_ok(w, a, "answer to one");
    hear_none(w, req);
    say_ok(w, b, "answer to two");
    hear(w, req, "answer to two");
    world_free(w);
}

/* --- ROUTER --------------------------------------------------------------------------------------------------------------- */

/* An empty message of each peer that comes or goes, before all and after all that it sent. */
static void test_notify(void **state) {
    world w = world_new(state);
    fh_sock router = open_patient(w, FH_ZMTP_ROUTER), both = open_patient(w, FH_ZMTP_DEALER);
    set(w, router, FH_SOCK_ROUTER_NOTIFY, 3);
    fh_assert_ok(fh_sock_identify(w.c, both, FH_LIT("ann")));
    wire_name n = bind_fresh(w, router, TCP);
    connect_to(w, both, n.text);
    tell(w, both, "text");
    await(w, router, "ann|");
    await(w, router, "ann|text");
    tell(w, both, "more");
    close_sock(w, both);
    await(w, router, "ann|more");
    await(w, router, "ann|");
    set(w, router, FH_SOCK_ROUTER_NOTIFY, 2);
    fh_sock again = open_patient(w, FH_ZMTP_DEALER);
    fh_assert_ok(fh_sock_identify(w.c, again, FH_LIT("ann")));
    connect_to(w, again, n.text);
    tell(w, again, "first");
    await(w, router, "ann|first");
    world_stop(w);
}

/* A ROUTER that connects may say what it calls whom it connects to, and speak to it at once. */
static void name_next(world w, transport t) {
    fh_sock dealer = open_patient(w, FH_ZMTP_DEALER), router = open_patient(w, FH_ZMTP_ROUTER);
    wire_name n = bind_fresh(w, dealer, t);
    set(w, router, FH_SOCK_ROUTER_MANDATORY, 1);
    fh_assert_ok(fh_sock_name_next(w.c, router, FH_LIT("dealer")));
    connect_to(w, router, n.text);
    say_ok(w, router, "dealer|to you");
    await(w, dealer, "to you");
    tell(w, dealer, "to me");
    await(w, router, "dealer|to me");
    fh_sock other = open_patient(w, FH_ZMTP_DEALER);
    wire_name second = bind_fresh(w, other, t);
    connect_to(w, router, second.text); /* the name was for the first one */
    tell(w, other, "x");
    fh_message m = {0};
    fh_assert_ok(fh_sock_receive(w.c, router, &m));
    assert_int_equal(fh_message_view(&m, 0).size, 5);
    fh_message_drop(&m, w.a);
}
static void test_name_next(void **state) {
    for (transport t = INPROC; t < TRANSPORTS; t++) {
        world w = world_new(state);
        name_next(w, t);
        world_stop(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_values),   FH_TEST_ALLOC(test_conflate), FH_TEST_ALLOC(test_conflate_subscriptions),
        FH_TEST_ALLOC(test_bell),     FH_TEST_ALLOC(test_bell_life), FH_TEST_ALLOC(test_bell_threads),
        FH_TEST_ALLOC(test_watch),    FH_TEST_ALLOC(test_verboser), FH_TEST_ALLOC(test_manual),
        FH_TEST_ALLOC(test_last_value), FH_TEST_ALLOC(test_said_again), FH_TEST_ALLOC(test_nodrop),
        FH_TEST_ALLOC(test_leaves_much), FH_TEST_ALLOC(test_wants_much),
        FH_TEST_ALLOC(test_welcome),  FH_TEST_ALLOC(test_invert),   FH_TEST_ALLOC(test_correlate),
        FH_TEST_ALLOC(test_relaxed),  FH_TEST_ALLOC(test_notify),   FH_TEST_ALLOC(test_name_next),
    };
    return run_where_possible("test_option", tests, sizeof tests / sizeof *tests);
}
