/* test_drive.c: connections that the threads of their sockets drive: they are lent, they come back whatever happens, and no
 * message notices. A second thread with a context of its own answers; what it answers is what it was asked. */
#include <stdlib.h>
#include <string.h>

#include "conn_world.h"

#include "freehold/atomic.h"
#include "os/socket.h"
#include "sock/drive.h"

enum { ROUNDS_MAX = 100000, PATIENCE_MS = 20 };

/* --- who answers ---------------------------------------------------------------------------------------------------------- */

typedef struct server {
    world w;
    fh_sock s;
    wire_name name;
    uint32_t answered;
    fh_os_thread *thread;
} server;

static void answer_all(void *ctx) {
    server *v = ctx;
    for (;;) {
        fh_message m = {0};
        fh_status s = fh_sock_receive(v->w.c, v->s, &m);
        bool asked = !fh_failed(s);
        while (asked && (s = fh_sock_send(v->w.c, v->s, &m)).code == FH_NOMEM) /* it is not taken then */
            ;
        fh_message_drop(&m, v->w.a);
        if (s.code == FH_CANCELED)
            return;
        if (!fh_failed(s))
            (void)fh_fetch_add(&v->answered, 1, FH_RELAXED);
    }
}
static void server_start(server *v, void **state) {
    *v = (server){.w = world_new(state)};
    v->s = open_sock(v->w, FH_ZMTP_REP);
    v->name = bind_fresh(v->w, v->s, TCP);
    fh_assert_ok(fh_os_thread_start(answer_all, v, &v->thread));
}
static void server_end(server *v) {
    fh_sock_context_stop(v->w.c);
    fh_os_thread_join(v->thread);
    world_free(v->w);
}

/* --- who asks ------------------------------------------------------------------------------------------------------------- */

/* The driver of the connection of a socket that this thread has; NULL if it does not want it. */
static fh_lease *driver_of(world w, fh_sock s) {
    fh_core *k = fh_context_slot(w.c, s)->core;
    assert_non_null(k);
    return k->driven != 0 && fh_core_has(k, k->driven - 1) ? &fh_peers_at(k->peers, k->driven - 1)->link->lease : NULL;
}
/* True if it is lent: then it was driven, and is so again. */
static bool is_lent(world w, fh_sock s) {
    fh_lease *d = driver_of(w, s);
    bool lent = d != NULL && fh_lease_begin(d);
    assert_true(!lent || !fh_lease_end(d, false));
    return lent;
}
/* True if the I/O thread has it. */
static bool is_home(world w, fh_sock s) {
    fh_lease *d = driver_of(w, s);
    return d == NULL || fh_load(&d->state, FH_ACQUIRE) == 0;
}
static void ask(world w, fh_sock s, const char *text) {
    tell(w, s, text);
    await(w, s, text);
}
/* Talks until the connection is lent. */
static void ask_until_lent(world w, fh_sock s) {
    for (int i = 0; i < ROUNDS_MAX && !is_lent(w, s); i++)
        ask(w, s, "?");
    assert_true(is_lent(w, s));
}
static fh_sock asker(world w, wire_name n) {
    fh_sock s = connect_patient(w, FH_ZMTP_REQ, n);
    ask_until_lent(w, s);
    return s;
}
/* Waits, without a call of the socket, until the I/O thread has it. */
static void await_home(world w, fh_sock s) {
    for (uint64_t end = fh_os_clock_ns() + UINT64_C(60000000000); !is_home(w, s); fh_os_nap(1000000))
        assert_true(fh_os_clock_ns() < end);
}

/* A conversation, with all sizes: what does not leave at once is left to the I/O thread. */
static void test_conversation(void **state) {
    server v;
    server_start(&v, state);
    world w = world_new(state);
    fh_sock s = asker(w, v.name);
    static char text[100000];
    for (size_t size = 1; size < sizeof text; size = size * 7 / 2) {
        memset(text, 'a' + (int)(size % 26), size);
        for (int i = 0; i < 20; i++) {
            fh_message m = message_of(w.a, text), back = {0};
            fh_assert_ok(fh_sock_send(w.c, s, &m));
            fh_assert_ok(fh_sock_receive(w.c, s, &back));
            assert_int_equal(fh_message_view(&back, 0).size, size);
            assert_true(fh_span_equal(fh_message_view(&back, 0), fh_span_of_str(text)));
            fh_message_drop(&back, w.a);
        }
    }
    ask_until_lent(w, s);
    world_free(w);
    server_end(&v);
}

/* More than the system takes at once: the rest leaves without this thread. */
static void test_large(void **state) {
    enum { LARGE = 8 << 20 };
    static uint8_t large[LARGE];
    server v;
    server_start(&v, state);
    world w = world_new(state);
    fh_sock s = asker(w, v.name);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (uint8_t)(i / 4096 % 251);
    for (int i = 0; i < 3; i++) {
        fh_message m = {0}, back = {0};
        fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){large, LARGE}));
        fh_assert_ok(fh_sock_send(w.c, s, &m));
        fh_assert_ok(fh_sock_receive(w.c, s, &back));
        assert_true(fh_span_equal(fh_message_view(&back, 0), (fh_span){large, LARGE}));
        fh_message_drop(&back, w.a);
        ask_until_lent(w, s);
    }
    world_free(w);
    server_end(&v);
}

/* Nobody drives: after a while the I/O thread does, and a question that was sent meanwhile is answered. */
static void test_comes_home(void **state) {
    server v;
    server_start(&v, state);
    world w = world_new(state);
    fh_sock s = asker(w, v.name);
    await_home(w, s);
    ask(w, s, "again");
    ask_until_lent(w, s);
    tell(w, s, "asked");
    await_home(w, s);
    await(w, s, "asked");
    world_free(w);
    server_end(&v);
}

/* A poll, an option, a bell: the I/O thread has it before the call goes on, and what comes is seen there. */
static void test_other_calls(void **state) {
    server v;
    server_start(&v, state);
    world w = world_new(state);
    fh_sock s = asker(w, v.name);
    tell(w, s, "polled");
    fh_sock_poll_item item = {s, FH_SOCK_READABLE, 0};
    size_t count = 0;
    fh_assert_ok(fh_sock_poll(w.c, (fh_sock_poll_items){&item, 1}, LONG_MS, &count));
    assert_null(driver_of(w, s));
    await(w, s, "polled");
    ask_until_lent(w, s);
    (void)get(w, s, FH_SOCK_LINGER);
    assert_int_equal(fh_context_slot(w.c, s)->core->driven, 0);
    ask_until_lent(w, s);
    int bell = -1;
    fh_assert_ok(fh_sock_bell(w.c, s, &bell));
    tell(w, s, "rung");
    while (get(w, s, FH_SOCK_EVENTS) != FH_SOCK_READABLE) {
        fh_os_wish wish = {.fd = bell, .wanted = FH_OS_WISH_IN};
        fh_assert_ok(fh_os_await((fh_os_wishes){&wish, 1}, LONG_MS, &count));
        assert_int_equal(count, 1);
    }
    await(w, s, "rung");
    world_free(w);
    server_end(&v);
}

/* Who never waits hears all the same. */
static void test_never_waits(void **state) {
    server v;
    server_start(&v, state);
    world w = world_new(state);
    fh_sock s = asker(w, v.name);
    for (int i = 0; i < 3; i++) {
        fh_code code = FH_AGAIN;
        tell(w, s, "looked for");
        for (uint64_t end = fh_os_clock_ns() + UINT64_C(60000000000); code == FH_AGAIN; ) {
            fh_message m = {0};
            code = fh_sock_try_receive(w.c, s, &m).code;
            fh_message_drop(&m, w.a);
            assert_true(fh_os_clock_ns() < end);
        }
        assert_int_equal(code, FH_OK);
        ask_until_lent(w, s);
    }
    world_free(w);
    server_end(&v);
}

/* The answer does not come in time: nothing stays behind, and it is read when it does. */
static void test_timeout(void **state) {
    world there = world_new(state), w = world_new(state);
    fh_sock rep = open_patient(there, FH_ZMTP_REP);
    wire_name n = bind_fresh(there, rep, TCP);
    fh_sock s = connect_patient(w, FH_ZMTP_REQ, n);
    for (int i = 0; i < ROUNDS_MAX && !is_lent(w, s); i++) {
        tell(w, s, "q");
        await(there, rep, "q");
        tell(there, rep, "a");
        await(w, s, "a");
    }
    assert_true(is_lent(w, s));
    for (int i = 0; i < 3; i++) {
        fh_message m = {0};
        tell(w, s, "q");
        set(w, s, FH_SOCK_RECEIVE_TIMEOUT, PATIENCE_MS);
        fh_assert_code(fh_sock_receive(w.c, s, &m), FH_TIMEOUT);
        hear_none(w, s);
        await(there, rep, "q");
        tell(there, rep, "a");
        set(w, s, FH_SOCK_RECEIVE_TIMEOUT, LONG_MS);
        await(w, s, "a");
    }
    world_free(w);
    world_free(there);
}

/* A second client comes while the server waits for the first one, which it drives: both are answered. */
static void test_second_peer(void **state) {
    server v;
    server_start(&v, state);
    world w = world_new(state), other = world_new(state);
    fh_sock s = asker(w, v.name);
    fh_sock t = connect_patient(other, FH_ZMTP_REQ, v.name);
    for (int i = 0; i < 50; i++) {
        ask(other, t, "other");
        ask(w, s, "first");
    }
    close_sock(other, t);
    ask_until_lent(w, s);
    world_free(other);
    world_free(w);
    server_end(&v);
}

/* The server ends, and another one takes its place: the REQ hears of the break if it had asked the first one, and asks
 * again. */
static void test_break(void **state) {
    server v;
    server_start(&v, state);
    world w = world_new(state);
    fh_sock s = asker(w, v.name);
    wire_name n = v.name;
    for (int i = 0; i < 3; i++) {
        fh_code code = FH_END;
        server_end(&v);
        fh_message m = {0};
        if (i != 0) /* at once, or when the break was noticed */
            await_home(w, s);
        tell(w, s, "who is there?");
        v = (server){.w = world_new(state)};
        v.s = open_sock(v.w, FH_ZMTP_REP);
        assert_int_equal(bind_to(v.w, v.s, n.text), FH_OK);
        fh_assert_ok(fh_os_thread_start(answer_all, &v, &v.thread));
        while ((code = fh_sock_receive(w.c, s, &m).code) == FH_END)
            tell(w, s, "who is there?");
        assert_int_equal(code, FH_OK);
        fh_message_drop(&m, w.a);
        ask_until_lent(w, s);
    }
    world_free(w);
    server_end(&v);
}

/* Garbage in the midst of a conversation ends this connection alone. */
static void test_garbage(void **state) {
    static const uint8_t hello[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    static const uint8_t ready[] = "\4\31\5READY\13Socket-Type\0\0\0\3REQ", question[] = "\1\0\0\1?", reserved[] = "\x80\1";
    server v;
    server_start(&v, state);
    struct sockaddr_in to = {.sin_family = AF_INET};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)atoi(strrchr(v.name.text, ':') + 1));
    for (int i = 0; i < 3; i++) {
        uint8_t heard[256];
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
        assert_int_equal(send(fd, hello, sizeof hello, MSG_NOSIGNAL), sizeof hello);
        assert_int_equal(send(fd, ready, sizeof ready - 1, MSG_NOSIGNAL), sizeof ready - 1);
        uint32_t before = fh_load(&v.answered, FH_RELAXED);
        for (uint32_t k = 1; k <= 20; k++) { /* one by one, so that it drives */
            assert_int_equal(send(fd, question, sizeof question - 1, MSG_NOSIGNAL), sizeof question - 1);
            while (fh_load(&v.answered, FH_RELAXED) < before + k)
                fh_os_nap(100000);
        }
        assert_int_equal(send(fd, reserved, 2, MSG_NOSIGNAL), 2);
        while (recv(fd, heard, sizeof heard, 0) > 0)
            ;
        close(fd);
    }
    world w = world_new(state);
    fh_sock s = asker(w, v.name);
    ask(w, s, "well");
    world_free(w);
    server_end(&v);
}

static void stop_soon(void *ctx) {
    fh_os_nap(UINT64_C(50000000));
    fh_sock_context_stop(ctx);
}

/* Another thread stops the context while this one drives and waits; and while it is lent and rests. */
static void test_stop(void **state) {
    world there = world_new(state), w = world_new(state);
    fh_sock rep = open_patient(there, FH_ZMTP_REP);
    wire_name n = bind_fresh(there, rep, TCP);
    fh_sock s = connect_patient(w, FH_ZMTP_REQ, n);
    for (int i = 0; i < ROUNDS_MAX && !is_lent(w, s); i++) {
        tell(w, s, "q");
        await(there, rep, "q");
        tell(there, rep, "a");
        await(w, s, "a");
    }
    tell(w, s, "never answered");
    fh_os_thread *thread;
    fh_message m = {0};
    fh_assert_ok(fh_os_thread_start(stop_soon, w.c, &thread));
    fh_assert_code(fh_sock_receive(w.c, s, &m), FH_CANCELED);
    fh_os_thread_join(thread);
    world_free(w);
    world_stop(there);
}

/* Threads take turns with a socket that is lent: its loop is nobody's in particular. */
typedef struct turn {
    world w;
    fh_sock s;
} turn;
static void ask_some(void *ctx) {
    turn *t = ctx;
    for (int i = 0; i < 100; i++)
        ask(t->w, t->s, "in turn");
}
static void test_threads_in_turn(void **state) {
    server v;
    server_start(&v, state);
    world w = world_new(state);
    turn t = {w, asker(w, v.name)};
    for (int i = 0; i < 5; i++) {
        fh_os_thread *thread;
        fh_assert_ok(fh_os_thread_start(ask_some, &t, &thread));
        fh_os_thread_join(thread);
        ask(w, t.s, "and here");
    }
    ask_until_lent(w, t.s);
    world_free(w);
    server_end(&v);
}

/* A thread that drives leaves the socket's descriptor as it was: it rings for what comes when nobody drives. */
static void test_bell(void **state) {
    server v;
    server_start(&v, state);
    world w = world_new(state);
    fh_sock s = asker(w, v.name);
    int fd = -1;
    fh_assert_ok(fh_sock_bell(w.c, s, &fd));
    for (int i = 0; i < 3; i++) {
        ask_until_lent(w, s);
        tell(w, s, "who rings?");
        while ((get(w, s, FH_SOCK_EVENTS) & FH_SOCK_READABLE) == 0)
            assert_true(rings(fd, LONG_MS));
        hear(w, s, "who rings?");
    }
    world_free(w);
    server_end(&v);
}

/* A question that was put while the I/O thread had the connection for a moment leaves as soon as it is lent again: nobody else
 * looks after it, since nothing here has a time of its own. */
static void test_put_between(void **state) {
    server v;
    server_start(&v, state);
    world w = world_new(state);
    fh_sock s = open_patient(w, FH_ZMTP_REQ);
    set(w, s, FH_SOCK_HANDSHAKE_IVL, 0);
    connect_to(w, s, v.name.text);
    for (int i = 0; i < 5; i++) {
        ask_until_lent(w, s);
        fh_lease *d = driver_of(w, s);
        bool taken = fh_lease_borrow(d); /* it may go home of itself */
        tell(w, s, "between");
        fh_os_nap(UINT64_C(5000000)); /* the I/O thread is told, and finds it taken */
        if (taken)
            (void)!fh_lease_lend(d, true);
        await(w, s, "between");
    }
    world_free(w);
    server_end(&v);
}

/* Who spins hears the same. */
static void test_spin(void **state) {
    server v;
    server_start(&v, state);
    world w = world_new(state);
    fh_sock s = connect_patient(w, FH_ZMTP_REQ, v.name);
    set(w, s, FH_SOCK_SPIN, 100);
    ask_until_lent(w, s);
    for (int i = 0; i < 200; i++)
        ask(w, s, "spun");
    world_free(w);
    server_end(&v);
}

/* A conversation through which one allocation fails: it may be lent later, or not at all, and is the same. */
static void test_each_allocation_fails(void **state) {
    fh_trace *trace = fh_test_trace(state);
    server v;
    server_start(&v, state);
    for (uint64_t i = 1; i <= 40; i++) {
        world w = world_new(state);
        fh_sock s = connect_patient(w, FH_ZMTP_REQ, v.name);
        ask(w, s, "first");
        fh_trace_fail_at(trace, i);
        for (int k = 0; k < 8; k++) {
            fh_message m = {0};
            fh_status status = fh_message_push_copy(&m, w.a, FH_LIT("?"));
            while (status.code == FH_OK && (status = fh_sock_send(w.c, s, &m)).code == FH_NOMEM)
                ;
            fh_message_drop(&m, w.a);
            if (fh_failed(status))
                continue;
            while ((status = fh_sock_receive(w.c, s, &m)).code == FH_NOMEM)
                ;
            fh_assert_ok(status);
            fh_message_drop(&m, w.a);
        }
        fh_trace_fail_at(trace, 0);
        world_stop(w);
    }
    server_end(&v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_conversation), FH_TEST_ALLOC(test_large),       FH_TEST_ALLOC(test_comes_home),
        FH_TEST_ALLOC(test_other_calls),  FH_TEST_ALLOC(test_timeout),     FH_TEST_ALLOC(test_second_peer),
        FH_TEST_ALLOC(test_never_waits),
        FH_TEST_ALLOC(test_break),        FH_TEST_ALLOC(test_garbage),     FH_TEST_ALLOC(test_stop),
        FH_TEST_ALLOC(test_threads_in_turn), FH_TEST_ALLOC(test_spin),     FH_TEST_ALLOC(test_bell),
        FH_TEST_ALLOC(test_put_between),
        FH_TEST_ALLOC(test_each_allocation_fails),
    };
    return run_where_possible("drive", tests, sizeof tests / sizeof *tests);
}
