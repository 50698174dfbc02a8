/* test_conn.c: connections with other processes: made again, ended, watched, secured, and held to limits against hostile
 * peers (io.h, conn.c, terms.h, monitor.h, endpoint.h). Tests wait for things and not for times. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "freehold/atomic.h"
#include "proto/box.h"
#include "sock/monitor.h"
#include "conn_world.h"

/* --- endpoints ------------------------------------------------------------------------------------------------------------ */

static void test_endpoints(void **state) {
    world w = world_new(state);
    fh_sock s = open_patient(w, FH_ZMTP_PULL), other = open_patient(w, FH_ZMTP_PULL);
    static const struct {
        const char *name;
        fh_code bind, connect;
    } cases[] = {
        {"", FH_INVALID, FH_INVALID},
        {"tcp://", FH_INVALID, FH_INVALID},
        {"tcp:127.0.0.1:1", FH_INVALID, FH_INVALID},
        {"tcp://127.0.0.1", FH_INVALID, FH_INVALID},
        {"tcp://127.0.0.1:65536", FH_INVALID, FH_INVALID},
        {"tcp://127.0.0.1:*", FH_OK, FH_INVALID},
        {"tcp://127.0.0.1:0", FH_OK, FH_INVALID},
        {"ipc://", FH_INVALID, FH_INVALID},
        {"ipc://*", FH_UNSUPPORTED, FH_UNSUPPORTED},
        {"ipc:///nowhere at all/x", FH_IO, FH_OK},
        {"udp://127.0.0.1:1", FH_UNSUPPORTED, FH_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_assert_code(fh_sock_bind(w.c, s, fh_span_of_str(cases[i].name), NULL), cases[i].bind);
        fh_assert_code(fh_sock_connect(w.c, s, fh_span_of_str(cases[i].name), NULL), cases[i].connect);
    }
    wire_name n = bind_fresh(w, s, TCP);
    fh_err err = {0};
    fh_assert_code(fh_sock_bind(w.c, other, fh_span_of_str(n.text), &err), FH_IO); /* taken; errno's number is told */
    assert_true(fh_span_find(fh_span_of_str(err.message), FH_LIT("errno 98"), 0) != SIZE_MAX);
    fh_assert_code(fh_sock_unbind(w.c, other, fh_span_of_str(n.text)), FH_NOT_FOUND);
    fh_assert_code(fh_sock_disconnect(w.c, s, fh_span_of_str(n.text)), FH_NOT_FOUND);
    static const uint8_t long_name[300] = "tcp://";
    fh_assert_code(fh_sock_unbind(w.c, s, (fh_span){long_name, sizeof long_name}), FH_NOT_FOUND);
    fh_assert_ok(fh_sock_unbind(w.c, s, fh_span_of_str(n.text)));
    fh_assert_code(fh_sock_unbind(w.c, s, fh_span_of_str(n.text)), FH_NOT_FOUND);
    assert_int_equal(bind_to(w, other, n.text), FH_OK); /* it is free as soon as that has returned */
    close_sock(w, other);
    assert_int_equal(bind_to(w, s, n.text), FH_OK);
    world_stop(w);
}

static void test_ipv6(void **state) {
    if (!have_loopback6())
        fh_test_skip("no TCP on ::1 here");
    world w = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL);
    assert_int_equal(bind_to(w, pull, "tcp://[::1]:*"), FH_OK);
    wire_name n = last_name(w, pull);
    assert_true(fh_span_starts(fh_span_of_str(n.text), FH_LIT("tcp://[::1]:")));
    fh_sock push = connect_patient(w, FH_ZMTP_PUSH, n);
    tell(w, push, "over six");
    await(w, pull, "over six");
    world_stop(w);
}

/* Whoever is connected stays when the name is given back. */
static void test_unbind(void **state) {
    world w = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL);
    wire_name n = bind_fresh(w, pull, TCP);
    fh_sock push = connect_patient(w, FH_ZMTP_PUSH, n);
    tell(w, push, "1");
    await(w, pull, "1");
    fh_assert_ok(fh_sock_unbind(w.c, pull, fh_span_of_str(n.text)));
    tell(w, push, "2");
    await(w, pull, "2");
    tell(w, push, "3");
    fh_assert_ok(fh_sock_disconnect(w.c, push, fh_span_of_str(n.text)));
    await(w, pull, "3"); /* what was sent is received */
    assert_int_equal(say(w, push, "4"), FH_AGAIN);
    world_stop(w);
}

/* With UNBIND_ENDS the connections that came to the name end with it, and no others do. */
static void test_unbind_ends(void **state) {
    world w = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL);
    set(w, pull, FH_SOCK_UNBIND_ENDS, 1);
    wire_name stays = bind_fresh(w, pull, TCP), ends = bind_fresh(w, pull, IPC);
    fh_sock friend = connect_patient(w, FH_ZMTP_PUSH, stays), guest = connect_patient(w, FH_ZMTP_PUSH, ends);
    tell(w, friend, "1");
    await(w, pull, "1");
    tell(w, guest, "2");
    await(w, pull, "2");
    fh_sock other = open_patient(w, FH_ZMTP_PUSH);
    watch_all(w, other);
    connect_to(w, other, ends.text);
    (void)await_event(w, other, FH_SOCK_IS_HANDSHAKE_SUCCEEDED);
    fh_assert_ok(fh_sock_unbind(w.c, pull, fh_span_of_str(ends.text)));
    (void)await_event(w, other, FH_SOCK_IS_DISCONNECTED);
    tell(w, friend, "3");
    await(w, pull, "3");
    fh_assert_code(fh_sock_unbind(w.c, pull, fh_span_of_str(ends.text)), FH_NOT_FOUND);
    world_stop(w);
}

/* A probe goes with each connection, whether its socket is called or not. */
static void test_probe(void **state) {
    world w = world_new(state);
    fh_sock server = open_patient(w, FH_ZMTP_ROUTER), client = open_patient(w, FH_ZMTP_ROUTER);
    wire_name n = bind_fresh(w, server, TCP);
    fh_assert_ok(fh_sock_identify(w.c, client, FH_LIT("c")));
    set(w, client, FH_SOCK_PROBE_ROUTER, 1);
    connect_to(w, client, n.text);
    await(w, server, "c|");
    close_sock(w, server);
    server = open_patient(w, FH_ZMTP_ROUTER);
    set(w, server, FH_SOCK_PROBE_ROUTER, 1);
    assert_int_equal(bind_to(w, server, n.text), FH_OK);
    await(w, server, "c|");
    tell(w, server, "c|answer");
    fh_message m = {0};
    for (size_t i = 0; i < 2; i++) {
        fh_assert_ok(fh_sock_receive(w.c, client, &m));
        assert_int_equal(fh_message_view(&m, 1).size, i == 0 ? 0 : 6); /* who listens probes too */
        fh_message_clear(&m, w.a);
    }
    hear_none(w, server);
    hear_none(w, client);
    world_stop(w);
}

/* --- again ---------------------------------------------------------------------------------------------------------------- */

/* A PUSH whose peer goes and comes again: what was sent between is not lost, and comes in its order. */
static void reconnects(void **state, transport t) {
    world w = world_new(state);
    fh_sock push = open_patient(w, FH_ZMTP_PUSH), pull = open_patient(w, FH_ZMTP_PULL);
    wire_name n = bind_fresh(w, pull, t);
    watch_all(w, push);
    connect_to(w, push, n.text);
    for (int round = 0; round < 5; round++) {
        char text[32];
        tell(w, push, "here");
        await(w, pull, "here");
        close_sock(w, pull);
        (void)await_event(w, push, FH_SOCK_IS_DISCONNECTED);
        for (int i = 0; i < 200; i++) {
            (void)snprintf(text, sizeof text, "%d", i);
            tell(w, push, text);
        }
        (void)await_event(w, push, FH_SOCK_IS_CONNECT_RETRIED);
        pull = open_patient(w, FH_ZMTP_PULL);
        assert_int_equal(bind_to(w, pull, n.text), FH_OK);
        for (int i = 0; i < 200; i++) {
            (void)snprintf(text, sizeof text, "%d", i);
            await(w, pull, text);
        }
    }
    world_stop(w);
}
static void test_reconnects(void **state) {
    reconnects(state, TCP);
    reconnects(state, IPC);
    reconnects(state, ABSTRACT);
}

/* Who connects first waits for who binds; a SUB says again what it wants to a publisher that comes again. */
static void test_connect_first(void **state) {
    world w = world_new(state);
    wire_name n = fresh_name(ABSTRACT);
    fh_sock req = connect_patient(w, FH_ZMTP_REQ, n), sub = open_patient(w, FH_ZMTP_SUB);
    tell(w, req, "early");
    fh_sock rep = open_patient(w, FH_ZMTP_REP);
    assert_int_equal(bind_to(w, rep, n.text), FH_OK);
    await(w, rep, "early");
    tell(w, rep, "yes");
    await(w, req, "yes");
    wire_name p = fresh_name(ABSTRACT);
    fh_assert_ok(fh_sock_subscribe(w.c, sub, FH_LIT("t")));
    connect_to(w, sub, p.text);
    for (int round = 0; round < 3; round++) {
        fh_sock xpub = open_patient(w, FH_ZMTP_XPUB);
        assert_int_equal(bind_to(w, xpub, p.text), FH_OK);
        set(w, sub, FH_SOCK_RECEIVE_TIMEOUT, 1);
        for (fh_message m = {0};;) {
            fh_status s = fh_sock_try_receive(w.c, xpub, &m);
            (void)get(w, sub, FH_SOCK_EVENTS); /* it is called now and then */
            if (s.code == FH_OK) {
                check_parts(&m, "\1t", __FILE__, __LINE__);
                fh_message_drop(&m, w.a);
                break;
            }
            fh_os_nap(1000000);
        }
        set(w, sub, FH_SOCK_RECEIVE_TIMEOUT, LONG_MS);
        tell(w, xpub, "t1");
        await(w, sub, "t1");
        close_sock(w, xpub);
    }
    world_stop(w);
}

/* IMMEDIATE: nothing is taken for a peer that is not there. */
static void test_immediate(void **state) {
    world w = world_new(state);
    wire_name n = fresh_name(IPC);
    fh_sock push = open_patient(w, FH_ZMTP_PUSH), pull = open_patient(w, FH_ZMTP_PULL);
    set(w, push, FH_SOCK_IMMEDIATE, 1);
    connect_to(w, push, n.text);
    assert_int_equal(say(w, push, "x"), FH_AGAIN);
    assert_int_equal(bind_to(w, pull, n.text), FH_OK);
    tell(w, push, "now"); /* waits for the connection */
    await(w, pull, "now");
    world_stop(w);
}

/* --- ends ----------------------------------------------------------------------------------------------------------------- */

/* With LINGER what was sent leaves before the context ends; without, or after a stop, nobody waits. */
static void test_linger(void **state) {
    static uint8_t body[50000];
    world w = world_new(state), other = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL);
    wire_name n = bind_fresh(w, pull, TCP);
    fh_sock push = connect_patient(other, FH_ZMTP_PUSH, n);
    for (uint32_t i = 0; i < 100; i++) {
        fh_message m = {0};
        fh_mspan_put_u32((fh_mspan){body, sizeof body}, 0, i);
        fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){body, sizeof body}));
        fh_assert_ok(fh_sock_send(other.c, push, &m));
    }
    world_free(other);
    for (uint32_t i = 0; i < 100; i++) {
        fh_message m = {0};
        fh_assert_ok(fh_sock_receive(w.c, pull, &m));
        assert_int_equal(fh_span_u32(fh_message_view(&m, 0), 0), i);
        fh_message_drop(&m, w.a);
    }
    for (int how = 0; how < 4; how++) {
        other = world_new(state);
        push = connect_patient(other, FH_ZMTP_PUSH, fresh_name(IPC)); /* nobody is there */
        tell(other, push, "for nobody");
        set(other, push, FH_SOCK_LINGER, how == 0 ? 0 : how == 1 ? 30 : -1);
        close_sock(other, push);
        if (how == 3)
            fh_sock_context_refuse(other.c);
        if (how >= 2)
            fh_sock_context_stop(other.c);
        world_free(other);
    }
    world_free(w);
}

typedef struct ending {
    world w;
    uint32_t over;
} ending;

static void *end_world(void *arg) {
    ending *e = arg;
    world_free(e->w);
    fh_store(&e->over, 1, FH_RELEASE);
    return NULL;
}

/* A context that refuses calls still sends what it was given before. */
static void test_refuse(void **state) {
    world w = world_new(state);
    ending e = {.w = world_new(state)};
    wire_name n = fresh_name(ABSTRACT);
    fh_sock push = connect_patient(e.w, FH_ZMTP_PUSH, n), pull = open_patient(w, FH_ZMTP_PULL);
    tell(e.w, push, "in time"); /* there is nobody yet */
    fh_sock_context_refuse(e.w.c);
    assert_int_equal(say(e.w, push, "late"), FH_CANCELED);
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, end_world, &e), 0);
    assert_int_equal(bind_to(w, pull, n.text), FH_OK);
    fh_message m = {0};
    uint64_t end_ns = UINT64_MAX;
    while (fh_sock_try_receive(w.c, pull, &m).code == FH_AGAIN) {
        if (end_ns == UINT64_MAX && fh_load(&e.over, FH_ACQUIRE) != 0)
            end_ns = fh_os_clock_ns() + UINT64_C(20000000000); /* it may be on its way */
        assert_true(fh_os_clock_ns() < end_ns);
        fh_os_nap(1000000);
    }
    check_parts(&m, "in time", __FILE__, __LINE__);
    fh_message_drop(&m, w.a);
    assert_int_equal(pthread_join(id, NULL), 0);
    world_free(w);
}

/* Many connections to one socket, each of which speaks and goes: memory and descriptors return to where they were. */
static void test_many(void **state) {
    enum { CONNECTIONS = 200 };
    world w = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL), first = open_patient(w, FH_ZMTP_PUSH);
    set(w, pull, FH_SOCK_RECEIVE_MARK, 16);
    wire_name n = bind_fresh(w, pull, TCP);
    connect_to(w, first, n.text);
    tell(w, first, "hello");
    await(w, pull, "hello");
    size_t before = descriptors();
    uint64_t bytes[2] = {0};
    for (int round = 0; round < 2; round++) {
        fh_sock push = open_patient(w, FH_ZMTP_PUSH);
        set(w, push, FH_SOCK_SEND_MARK, 16);
        for (int i = 0; i < CONNECTIONS; i++)
            connect_to(w, push, n.text);
        for (int i = 0; i < CONNECTIONS; i++)
            tell(w, push, "hello"); /* one for each */
        for (int i = 0; i < CONNECTIONS; i++)
            await(w, pull, "hello");
        assert_true(descriptors() >= before + 2 * CONNECTIONS);
        close_sock(w, push);
        uint64_t end = fh_os_clock_ns() + UINT64_C(60000000000);
        while (descriptors() != before) {
            assert_true(fh_os_clock_ns() < end);
            (void)get(w, pull, FH_SOCK_EVENTS);
            fh_os_nap(1000000);
        }
        hear_none(w, pull);
        tell(w, first, "still here");
        await(w, pull, "still here");
        do { /* rows are freed soon after their descriptors */
            assert_true(fh_os_clock_ns() < end);
            bytes[round] = fh_trace_stats(fh_test_trace(state)).live_bytes;
        } while (round == 1 && bytes[1] > bytes[0] + 65536);
    }
    world_stop(w);
}

/* --- events --------------------------------------------------------------------------------------------------------------- */

static void test_monitor(void **state) {
    world w = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL), push = open_patient(w, FH_ZMTP_PUSH);
    fh_sock_event e;
    fh_assert_code(fh_sock_event_next(w.c, pull, &e), FH_AGAIN);
    watch_all(w, pull);
    fh_assert_ok(fh_sock_monitor(w.c, push, FH_SOCK_IS_DISCONNECTED | FH_SOCK_IS_HANDSHAKE_SUCCEEDED));
    wire_name n = bind_fresh(w, pull, TCP);
    assert_true(await_event(w, pull, FH_SOCK_IS_LISTENING) > 0);
    connect_to(w, push, n.text);
    assert_true(await_event(w, pull, FH_SOCK_IS_ACCEPTED) > 0);
    (void)await_event(w, pull, FH_SOCK_IS_HANDSHAKE_SUCCEEDED);
    close_sock(w, pull);
    for (int i = 0; i < 2; i++) { /* these two and nothing else */
        fh_sock_poll_item item = {push, FH_SOCK_HAPPENED, 0};
        size_t count = 0;
        fh_status s = fh_sock_event_next(w.c, push, &e);
        while (s.code == FH_AGAIN) {
            fh_assert_ok(fh_sock_poll(w.c, (fh_sock_poll_items){&item, 1}, LONG_MS, &count));
            s = fh_sock_event_next(w.c, push, &e);
        }
        fh_assert_ok(s);
        assert_int_equal(e.kind, i == 0 ? FH_SOCK_IS_HANDSHAKE_SUCCEEDED : FH_SOCK_IS_DISCONNECTED);
        fh_test_span(e.endpoint.span, n.text, __FILE__, __LINE__);
        fh_sock_event_drop(&e);
    }
    fh_assert_code(fh_sock_event_next(w.c, push, &e), FH_AGAIN);
    fh_sock other = open_patient(w, FH_ZMTP_PUB);
    watch_all(w, other);
    fh_assert_code(fh_sock_bind(w.c, other, FH_LIT("ipc:///nowhere at all/x"), NULL), FH_IO);
    assert_int_equal(await_event(w, other, FH_SOCK_IS_BIND_FAILED), 2); /* ENOENT */
    world_stop(w);
}

/* A monitor that tells somebody keeps nothing, and when it is muted neither tells nor keeps. */
static void count_one(void *ctx, fh_sock_happening kind, int64_t value, fh_span endpoint) {
    uint64_t *count = ctx;
    *count += kind == FH_SOCK_IS_CLOSED && value == 5 && fh_span_equal(endpoint, FH_LIT("there"));
}
static void test_monitor_tells(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_bytes there;
    fh_monitor *m;
    uint64_t count = 0;
    fh_assert_ok(fh_bytes_copy(a, FH_LIT("there"), &there));
    fh_assert_ok(fh_monitor_new(a, FH_SOCK_IS_CLOSED, (fh_sock_watcher){count_one, &count}, &m));
    assert_false(fh_monitor_put(m, FH_SOCK_IS_LISTENING, 5, there));
    assert_false(fh_monitor_put(m, FH_SOCK_IS_CLOSED, 5, there));
    assert_int_equal(count, 1);
    fh_monitor_mute(m);
    assert_false(fh_monitor_put(m, FH_SOCK_IS_CLOSED, 5, there));
    assert_int_equal(count, 1);
    assert_false(fh_monitor_has(m));
    fh_monitor_mute(NULL);
    fh_monitor_free(m);
    fh_bytes_drop(&there);
}

/* A watcher hears of its socket's listeners when they close with it, and of nothing afterwards. */
static void note_closed(void *ctx, fh_sock_happening kind, int64_t value, fh_span endpoint) {
    uint32_t *count = ctx;
    (void)value;
    (void)endpoint;
    if (kind == FH_SOCK_IS_CLOSED)
        (void)fh_fetch_add(count, 1, FH_ACQ_REL);
}
static void test_watch_ends(void **state) {
    world w = world_new(state);
    uint32_t count = 0;
    fh_sock push = open_patient(w, FH_ZMTP_PUSH);
    fh_assert_ok(fh_sock_watch(w.c, push, FH_SOCK_IS_ANY, (fh_sock_watcher){note_closed, &count}));
    (void)bind_fresh(w, push, TCP);
    (void)bind_fresh(w, push, IPC);
    connect_to(w, push, "tcp://127.0.0.1:1"); /* nobody is there, so what is sent lingers, and it is tried again and again */
    tell(w, push, "1");
    close_sock(w, push);
    uint32_t seen = fh_load(&count, FH_ACQUIRE);
    assert_true(seen >= 2);
    for (int i = 0; i < 20; i++)
        fh_os_nap(5000000);
    assert_int_equal(fh_load(&count, FH_ACQUIRE), seen);
    world_stop(w);
}

/* A queue that nobody reads is bounded, and says how many it lost. */
static void test_monitor_full(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_monitor *m;
    fh_sock_event e;
    fh_assert_ok(fh_monitor_new(a, FH_SOCK_IS_CLOSED, (fh_sock_watcher){0}, &m));
    assert_false(fh_monitor_put(m, FH_SOCK_IS_LISTENING, 0, (fh_bytes){NULL, {NULL, 0}}));
    for (int64_t i = 0; i < FH_SOCK_EVENTS_MAX + 3; i++)
        assert_int_equal(fh_monitor_put(m, FH_SOCK_IS_CLOSED, i, (fh_bytes){NULL, {NULL, 0}}), i < FH_SOCK_EVENTS_MAX);
    fh_assert_ok(fh_monitor_take(m, &e));
    assert_int_equal(e.value, 0);
    assert_true(fh_monitor_put(m, FH_SOCK_IS_CLOSED, 1000, (fh_bytes){NULL, {NULL, 0}}));
    for (int64_t i = 1; i < FH_SOCK_EVENTS_MAX; i++) {
        fh_assert_ok(fh_monitor_take(m, &e));
        assert_true(e.value == i && e.lost == 0);
    }
    fh_assert_ok(fh_monitor_take(m, &e));
    assert_true(e.value == 1000 && e.lost == 3);
    fh_assert_code(fh_monitor_take(m, &e), FH_AGAIN);
    fh_monitor_free(m);
}

/* --- security ------------------------------------------------------------------------------------------------------------- */

static void secure(world w, fh_sock s, fh_sock_security how) {
    fh_assert_ok(fh_sock_secure(w.c, s, &how));
}

static void test_plain(void **state) {
    world w = world_new(state);
    fh_sock_security server = {.mechanism = FH_ZMTP_PLAIN, .server = true};
    server.username = FH_LIT("ann");
    server.password = FH_LIT("secret");
    fh_sock_security client = server, wrong = server, half = server;
    client.server = wrong.server = half.server = false;
    wrong.password = FH_LIT("secret2");
    half.password = FH_LIT("secre");
    fh_sock pull = open_patient(w, FH_ZMTP_PULL), a = open_patient(w, FH_ZMTP_PUSH);
    secure(w, pull, server);
    watch_all(w, pull);
    wire_name n = bind_fresh(w, pull, TCP);
    for (int i = 0; i < 3; i++) {
        fh_sock b = open_patient(w, FH_ZMTP_PUSH);
        watch_all(w, b);
        if (i != 2) /* one without any security, too */
            secure(w, b, i == 0 ? wrong : half);
        connect_to(w, b, n.text);
        (void)await_event(w, b, i != 2 ? FH_SOCK_IS_HANDSHAKE_FAILED_AUTH : FH_SOCK_IS_CONNECT_RETRIED);
        close_sock(w, b);
    }
    secure(w, a, client);
    connect_to(w, a, n.text);
    tell(w, a, "let in");
    await(w, pull, "let in");
    static const uint8_t long_text[256];
    client.password = (fh_span){long_text, 256};
    fh_assert_code(fh_sock_secure(w.c, a, &client), FH_INVALID);
    client.mechanism = (fh_zmtp_mechanism)7;
    fh_assert_code(fh_sock_secure(w.c, a, &client), FH_INVALID);
    world_stop(w);
}

static void test_curve(void **state) {
    if (!fh_box_available())
        fh_test_skip("the library has no libsodium");
    world w = world_new(state);
    uint8_t secret[2][32], public[2][32];
    for (int i = 0; i < 2; i++) {
        memset(secret[i], 17 + i, 32);
        fh_box_public((fh_span){secret[i], 32}, (fh_mspan){public[i], 32});
    }
    fh_sock_security server = {.mechanism = FH_ZMTP_CURVE, .server = true, .public_key = {public[0], 32}};
    server.secret_key = (fh_span){secret[0], 32};
    fh_sock_security client = {.mechanism = FH_ZMTP_CURVE, .public_key = {public[1], 32}, .secret_key = {secret[1], 32},
                               .server_key = {public[0], 32}};
    fh_sock rep = open_patient(w, FH_ZMTP_REP), req = open_patient(w, FH_ZMTP_REQ), other = open_patient(w, FH_ZMTP_REQ);
    secure(w, rep, server);
    wire_name n = bind_fresh(w, rep, TCP);
    secure(w, req, client);
    connect_to(w, req, n.text);
    tell(w, req, "sealed|and more");
    await(w, rep, "sealed|and more");
    tell(w, rep, "answer");
    await(w, req, "answer");
    server.public_key.size = 0; /* it follows from the secret one */
    fh_sock pull = open_patient(w, FH_ZMTP_PULL), push = open_patient(w, FH_ZMTP_PUSH);
    secure(w, pull, server);
    secure(w, push, client);
    connect_to(w, push, bind_fresh(w, pull, TCP).text);
    tell(w, push, "sealed");
    await(w, pull, "sealed");
    client.server_key = (fh_span){public[1], 32};
    secure(w, other, client);
    watch_all(w, other);
    connect_to(w, other, n.text);
    (void)await_event(w, other, FH_SOCK_IS_CONNECT_RETRIED); /* it has not the server's key */
    client.server_key.size = 31;
    fh_assert_code(fh_sock_secure(w.c, other, &client), FH_INVALID);
    world_stop(w);
}

/* A message that no connection takes is dropped, and nothing else. */
static void test_too_many_parts(void **state) {
    world w = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL), push = open_patient(w, FH_ZMTP_PUSH);
    wire_name n = bind_fresh(w, pull, TCP);
    connect_to(w, push, n.text);
    for (size_t parts = FH_MESSAGE_PARTS_MAX; parts + 2 > FH_MESSAGE_PARTS_MAX; parts--) {
        fh_message m = {0};
        fh_bytes empty = {NULL, {NULL, 0}};
        for (size_t i = 0; i < parts; i++)
            fh_assert_ok(fh_message_push(&m, w.a, &empty));
        fh_assert_ok(fh_sock_send(w.c, push, &m));
        fh_message_drop(&m, w.a);
    }
    fh_message m = {0};
    fh_assert_ok(fh_sock_receive(w.c, pull, &m));
    assert_int_equal(fh_message_count(&m), FH_MESSAGE_PARTS_MAX - 1);
    fh_message_drop(&m, w.a);
    hear_none(w, pull);
    tell(w, push, "next");
    await(w, pull, "next");
    world_stop(w);
}

/* A round trip allocates nothing, on either side; what is made once, such as a loop for who drives its connection, is made in
 * some hundred of them. */
static void test_counts(void **state) {
    enum { HUNDREDS = 20 };
    world w = world_new(state);
    fh_sock router = open_patient(w, FH_ZMTP_ROUTER);
    wire_name n = bind_fresh(w, router, ABSTRACT);
    fh_sock req = connect_patient(w, FH_ZMTP_REQ, n);
    fh_message m = message_of(w.a, "body");
    uint64_t before = 0, made = UINT64_MAX;
    for (int i = 0; i < 100 * HUNDREDS && made != 0; i++) {
        if (i % 100 == 0)
            before = fh_trace_stats(fh_test_trace(state)).allocs;
        fh_assert_ok(fh_sock_send(w.c, req, &m));
        fh_assert_ok(fh_sock_receive(w.c, router, &m));
        assert_int_equal(fh_message_count(&m), 3);
        fh_assert_ok(fh_sock_send(w.c, router, &m));
        fh_assert_ok(fh_sock_receive(w.c, req, &m));
        if (i % 100 == 99)
            made = fh_trace_stats(fh_test_trace(state)).allocs - before;
    }
    assert_int_equal(made, 0);
    fh_message_drop(&m, w.a);
    world_stop(w);
}

/* Who is held back is not taken for dead: its PONGs are behind what is not received yet. */
static void test_held_back(void **state) {
    static uint8_t body[20000];
    enum { COUNT = 400 }; /* 8 MB: more than the lanes and the system hold */
    world w = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL), push = open_patient(w, FH_ZMTP_PUSH);
    set(w, pull, FH_SOCK_RECEIVE_MARK, 2);
    set(w, pull, FH_SOCK_HEARTBEAT_IVL, 20);
    set(w, pull, FH_SOCK_HEARTBEAT_TIMEOUT, 1000); /* more than a busy machine needs for an answer */
    fh_assert_ok(fh_sock_monitor(w.c, pull, FH_SOCK_IS_DISCONNECTED));
    wire_name n = bind_fresh(w, pull, TCP);
    connect_to(w, push, n.text);
    for (uint32_t i = 0; i < COUNT; i++) {
        fh_message m = {0};
        fh_mspan_put_u32((fh_mspan){body, sizeof body}, 0, i);
        fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){body, sizeof body}));
        fh_assert_ok(fh_sock_send(w.c, push, &m));
    }
    fh_os_nap(1500000000);
    for (uint32_t i = 0; i < COUNT; i++) {
        fh_message m = {0};
        fh_assert_ok(fh_sock_receive(w.c, pull, &m));
        assert_int_equal(fh_span_u32(fh_message_view(&m, 0), 0), i);
        fh_message_drop(&m, w.a);
    }
    fh_sock_event e;
    fh_assert_code(fh_sock_event_next(w.c, pull, &e), FH_AGAIN);
    world_stop(w);
}

/* --- peers that do as they like ------------------------------------------------------------------------------------------- */

/* From this address of the machine. */
static int dial_from(wire_name n, uint32_t address) {
    int port = 0;
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(address);
    assert_int_equal(sscanf(n.text, "tcp://127.0.0.1:%d", &port), 1);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0 && bind(fd, (const struct sockaddr *)&from, sizeof from) == 0);
    assert_true(connect(fd, (const struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}
static int dial(wire_name n) {
    return dial_from(n, INADDR_LOOPBACK);
}
static void give(int fd, const void *bytes, size_t size) {
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
}
/* Greeting and READY of a PUSH of 3.1. */
static const uint8_t hello[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
static const uint8_t ready[] = "\4\32\5READY\13Socket-Type\0\0\0\4PUSH";

/* Says all of it at once: whoever listens may not have the patience to hear it by halves. */
static void speak_as_push(int fd, const void *then, size_t size) {
    uint8_t all[256];
    size_t at = sizeof hello + sizeof ready - 1;
    assert_true(size <= sizeof all - at);
    memcpy(all, hello, sizeof hello);
    memcpy(&all[sizeof hello], ready, sizeof ready - 1);
    memcpy(&all[at], then, size);
    give(fd, all, at + size);
}
static int dial_as_push(wire_name n, const void *then, size_t size) {
    int fd = dial(n);
    speak_as_push(fd, then, size);
    return fd;
}

/* Garbage, a message over the limit, one that ends in its midst, a handshake that does not go on, silence: each costs its own
 * connection, and others go on. Who has little patience has no good peers: a busy machine keeps those waiting, too. */
static void test_hostile(void **state) {
    world w = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL), hasty = open_patient(w, FH_ZMTP_PULL), stern = open_patient(w, FH_ZMTP_PULL);
    set(w, pull, FH_SOCK_MESSAGE_MAX, 1000);
    set(w, hasty, FH_SOCK_HANDSHAKE_IVL, 50);
    set(w, stern, FH_SOCK_HEARTBEAT_IVL, 50);
    set(w, stern, FH_SOCK_HEARTBEAT_TIMEOUT, 50);
    watch_all(w, pull);
    watch_all(w, hasty);
    watch_all(w, stern);
    wire_name n = bind_fresh(w, pull, TCP), at_hasty = bind_fresh(w, hasty, TCP), at_stern = bind_fresh(w, stern, TCP);
    fh_sock good = connect_patient(w, FH_ZMTP_PUSH, n);
    tell(w, good, "before");
    await(w, pull, "before");
    (void)await_event(w, pull, FH_SOCK_IS_HANDSHAKE_SUCCEEDED);
    int fd = dial(n);
    give(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n and so on and so on, more than a greeting has bytes", 78);
    await_end(fd);
    (void)await_event(w, pull, FH_SOCK_IS_HANDSHAKE_FAILED_PROTOCOL);
    (void)await_event(w, pull, FH_SOCK_IS_DISCONNECTED);
    await_end(dial(at_hasty)); /* says nothing: the handshake takes too long */
    assert_int_equal(await_event(w, hasty, FH_SOCK_IS_HANDSHAKE_FAILED), FH_ZMTP_FAULT_HANDSHAKE_TIME);
    assert_int_equal(await_event(w, hasty, FH_SOCK_IS_DISCONNECTED), FH_ZMTP_FAULT_HANDSHAKE_TIME);
    fd = dial_as_push(n, "\2\0\0\0\0\0\0\x03\xe9", 9); /* 1001 bytes are announced */
    await_end(fd);
    assert_int_equal(await_event(w, pull, FH_SOCK_IS_DISCONNECTED), FH_ZMTP_FAULT_FRAME_LIMIT);
    fd = dial_as_push(n, "\1\4part\0\144and then no", 18); /* it vanishes in its midst */
    close(fd);
    (void)await_event(w, pull, FH_SOCK_IS_DISCONNECTED);
    fd = dial_as_push(at_stern, "\0\5whole", 7); /* answers no PING */
    await(w, stern, "whole");
    await_end(fd);
    assert_int_equal(await_event(w, stern, FH_SOCK_IS_DISCONNECTED), FH_ZMTP_FAULT_SILENT);
    hear_none(w, pull); /* nothing of a message that is not whole */
    tell(w, good, "after");
    await(w, pull, "after");
    world_stop(w);
}

/* With a HEARTBEAT_TIMEOUT of 0 PINGs are sent, and nobody is left who does not answer. */
static void test_silent(void **state) {
    world w = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL);
    set(w, pull, FH_SOCK_HEARTBEAT_IVL, 20);
    set(w, pull, FH_SOCK_HEARTBEAT_TIMEOUT, 0);
    uint8_t bytes[256];
    size_t got = 0;
    int fd = dial_as_push(bind_fresh(w, pull, TCP), "\0\5whole", 7);
    await(w, pull, "whole");
    while (fh_span_find((fh_span){bytes, got}, FH_LIT("PING"), 0) == SIZE_MAX) {
        ssize_t n = recv(fd, &bytes[got], sizeof bytes - got, 0);
        assert_true(n > 0);
        got += (size_t)n;
    }
    fh_os_nap(200000000);
    give(fd, "\0\5again", 7);
    await(w, pull, "again");
    close(fd);
    world_stop(w);
}

/* Whatever is allowed to be sent, a part that no message can have is not waited for. */
static void test_message_max(void **state) {
    static const int64_t most[] = {INT64_MAX, INT64_MAX / 2 + 1, INT64_C(1) << 30, FH_SOCK_WIRE_BYTES_MAX};
    static const struct {
        uint8_t head[9];
    } larger[] = {{{2, 0, 0, 0, 0, 0x10, 0, 0, 1}}, {{2, 0, 0, 0, 0, 0x12, 0xc0, 0, 0}}}; /* 256 MiB and a byte, 300 MiB */
    world w = world_new(state);
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        fh_sock pull = open_patient(w, FH_ZMTP_PULL);
        set(w, pull, FH_SOCK_MESSAGE_MAX, most[i]);
        watch_all(w, pull);
        wire_name n = bind_fresh(w, pull, TCP);
        fh_sock push = open_patient(w, FH_ZMTP_PUSH);
        set(w, push, FH_SOCK_MESSAGE_MAX, most[i]);
        connect_to(w, push, n.text);
        tell(w, push, "small");
        await(w, pull, "small");
        for (size_t j = 0; j < sizeof larger / sizeof *larger; j++) {
            int fd = dial_as_push(n, larger[j].head, sizeof larger[j].head);
            assert_int_equal(await_event(w, pull, FH_SOCK_IS_DISCONNECTED), FH_ZMTP_FAULT_FRAME_LIMIT);
            await_end(fd);
        }
        close_sock(w, push);
        close_sock(w, pull);
    }
    world_stop(w);
}

/* Whether the next who comes is let in. */
static bool lets_one_in(world w, fh_sock s, int *fd, wire_name n) {
    fh_sock_event e;
    *fd = dial(n);
    for (fh_status status = FH_STATUS(FH_AGAIN); status.code == FH_AGAIN;) {
        fh_sock_poll_item item = {s, FH_SOCK_HAPPENED, 0};
        size_t count = 0;
        fh_assert_ok(fh_sock_poll(w.c, (fh_sock_poll_items){&item, 1}, LONG_MS, &count));
        status = fh_sock_event_next(w.c, s, &e);
    }
    bool in = e.kind == FH_SOCK_IS_ACCEPTED;
    assert_true(in || (e.kind == FH_SOCK_IS_ACCEPT_FAILED && e.value == 0));
    fh_sock_event_drop(&e);
    return in;
}

/* Who comes and says nothing, again and again, keeps nobody out who comes from elsewhere, nor who is in. */
static void test_half_open(void **state) {
    world w = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL);
    set(w, pull, FH_SOCK_HALF_OPEN_MAX, 3);
    watch_all(w, pull);
    wire_name n = bind_fresh(w, pull, TCP);
    fh_sock in = open_patient(w, FH_ZMTP_PUSH);
    for (int i = 0; i < 3; i++) {
        connect_to(w, in, n.text);
        (void)await_event(w, pull, FH_SOCK_IS_HANDSHAKE_SUCCEEDED);
    }
    int fd[4];
    for (int i = 0; i < 3; i++)
        assert_true(lets_one_in(w, pull, &fd[i], n)); /* who is in does not count */
    assert_false(lets_one_in(w, pull, &fd[3], n));
    await_end(fd[3]);
    fh_sock late = connect_patient(w, FH_ZMTP_PUSH, n); /* from there, too */
    tell(w, late, "late");
    (void)await_event(w, pull, FH_SOCK_IS_ACCEPT_FAILED);
    int elsewhere = dial_from(n, INADDR_LOOPBACK + 1);
    speak_as_push(elsewhere, "\0\4else", 6);
    await(w, pull, "else");
    tell(w, in, "still in");
    await(w, pull, "still in");
    close(fd[1]);
    await(w, pull, "late"); /* it has tried again */
    close(fd[0]);
    close(fd[2]);
    close(elsewhere);
    world_stop(w);
}

/* A subscriber that reads nothing, has asked to be left after half a second of silence, and then breaks the rules: its last
 * words have a second to leave, whatever else it was to be looked at for; and no time when the socket has closed. */
static wire_name bind_for_deaf(world w, fh_sock *pub) {
    *pub = open_patient(w, FH_ZMTP_XPUB);
    set(w, *pub, FH_SOCK_SEND_BUFFER, 1 << 16);
    set(w, *pub, FH_SOCK_LINGER, 0);
    watch_all(w, *pub);
    return bind_fresh(w, *pub, TCP);
}
static int part_from_deaf(world w, fh_sock pub, wire_name n) {
    enum { COUNT = 64 };
    static const uint8_t body[1 << 16];
    fh_message m = {0};
    int fd = dial(n);
    give(fd, hello, sizeof hello);
    give(fd, "\4\31\5READY\13Socket-Type\0\0\0\3SUB\0\1\1", 30);
    await(w, pub, "\1");
    for (int i = 0; i < COUNT; i++) {
        fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){body, sizeof body}));
        fh_assert_ok(fh_sock_send(w.c, pub, &m));
    }
    give(fd, "\4\7\4PING\0\5", 9);
    fh_os_nap(200000000); /* it is heard, most likely */
    give(fd, "\xf8\0", 2);
    assert_int_equal(await_event(w, pub, FH_SOCK_IS_DISCONNECTED), FH_ZMTP_FAULT_FLAGS);
    return fd;
}
static void test_parts_in_time(void **state) {
    enum { ROUNDS = 5 };
    world w = world_new(state);
    fh_sock pub;
    wire_name n = bind_for_deaf(w, &pub);
    size_t before = descriptors();
    int fd = part_from_deaf(w, pub, n);
    uint64_t end = fh_os_clock_ns() + UINT64_C(20000000000);
    while (descriptors() != before + 1) { /* this side of it */
        assert_true(fh_os_clock_ns() < end);
        fh_os_nap(1000000);
    }
    close(fd);
    world_stop(w);
    bool soon = false;
    for (int i = 0; i < ROUNDS && !soon; i++) { /* on a busy machine anything may take its time */
        w = world_new(state);
        n = bind_for_deaf(w, &pub);
        fd = part_from_deaf(w, pub, n);
        uint64_t begin = fh_os_clock_ns();
        close_sock(w, pub);
        world_free(w);
        soon = fh_os_clock_ns() - begin < UINT64_C(400000000);
        close(fd);
    }
    assert_true(soon);
}

/* A subscriber that wants more than anybody may is left; others stay. */
static void test_wants_too_much(void **state) {
    enum { PREFIX = 4000, HEAD = 9 + 10 };
    static uint8_t frame[HEAD + PREFIX] = {6, 0, 0, 0, 0, 0, 0, (10 + PREFIX) >> 8, (10 + PREFIX) & 0xff};
    world w = world_new(state);
    fh_sock pub = open_patient(w, FH_ZMTP_PUB), sub = open_patient(w, FH_ZMTP_SUB);
    wire_name n = bind_fresh(w, pub, TCP);
    fh_assert_ok(fh_sock_subscribe(w.c, sub, FH_LIT("")));
    connect_to(w, sub, n.text);
    int fd = dial(n);
    give(fd, hello, sizeof hello);
    give(fd, "\4\31\5READY\13Socket-Type\0\0\0\3SUB", 27);
    memcpy(&frame[9], "\11SUBSCRIBE", 10);
    uint32_t sent = 0;
    uint64_t end = fh_os_clock_ns() + UINT64_C(60000000000);
    for (size_t at = 0;;) { /* it is read on for up to a second, as all are that are bidden farewell */
        assert_true(fh_os_clock_ns() < end);
        memcpy(&frame[HEAD], &sent, sizeof sent);
        ssize_t done = send(fd, &frame[at], sizeof frame - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)get(w, pub, FH_SOCK_EVENTS);
        if (done < 0 && errno != EAGAIN)
            break;
        at += done > 0 ? (size_t)done : 0;
        sent += at == sizeof frame;
        at = at == sizeof frame ? 0 : at;
    }
    assert_true(sent > 4000);
    assert_true(fh_trace_stats(fh_test_trace(state)).live_bytes < 64 << 20);
    close(fd);
    set(w, sub, FH_SOCK_RECEIVE_TIMEOUT, 1);
    fh_message m = {0};
    do
        tell(w, pub, "still there?");
    while (fh_sock_receive(w.c, sub, &m).code == FH_TIMEOUT);
    fh_message_drop(&m, w.a);
    world_stop(w);
}

/* --- memory --------------------------------------------------------------------------------------------------------------- */

static fh_status one_life(fh_allocator *a, void *ctx) {
    (void)ctx;
    fh_sock_context *c;
    fh_sock rep, req;
    fh_bytes name = {NULL, {NULL, 0}};
    FH_TRY(fh_sock_context_new(a, &(fh_sock_context_options){.sockets_max = 4, .io_threads = io_threads_said()}, &c));
    fh_status s = fh_sock_open(c, FH_ZMTP_REP, &rep);
    s = fh_failed(s) ? s : fh_sock_open(c, FH_ZMTP_REQ, &req);
    s = fh_failed(s) ? s : fh_sock_set(c, req, FH_SOCK_SEND_TIMEOUT, LONG_MS);
    s = fh_failed(s) ? s : fh_sock_set(c, req, FH_SOCK_RECONNECT_IVL, 1);
    s = fh_failed(s) ? s : fh_sock_bind(c, rep, FH_LIT("tcp://127.0.0.1:*"), NULL);
    s = fh_failed(s) ? s : fh_sock_last_endpoint(c, rep, &name);
    s = fh_failed(s) ? s : fh_sock_connect(c, req, name.span, NULL);
    fh_message m = {0};
    for (int i = 0; i < 5; i++)
        s = fh_failed(s) ? s : fh_message_push_copy(&m, a, FH_LIT("q"));
    s = fh_failed(s) ? s : fh_sock_send(c, req, &m);
    fh_message_clear(&m, a);
    /* Work of the thread that fails is done again: an answer comes whatever one allocation did. */
    for (uint64_t end = fh_os_clock_ns() + UINT64_C(60000000000); !fh_failed(s);) {
        s = fh_sock_try_receive(c, rep, &m);
        if (s.code != FH_AGAIN || fh_os_clock_ns() > end)
            break;
        fh_message_drop(&m, a);
        s = fh_sock_try_receive(c, req, &m); /* the connection may have broken under the question: it is asked again */
        if (s.code == FH_END)
            s = fh_message_push_copy(&m, a, FH_LIT("q"));
        if (s.code == FH_OK)
            s = fh_sock_send(c, req, &m);
        s = s.code == FH_AGAIN ? FH_DONE : s;
        fh_message_clear(&m, a);
        fh_os_nap(200000);
    }
    fh_message_drop(&m, a);
    fh_bytes_drop(&name);
    fh_sock_context_stop(c);
    fh_sock_context_free(c);
    return s;
}

static void test_each_allocation_fails(void **state) {
    fh_trace *t = fh_test_trace(state);
    uint64_t before = fh_trace_stats(t).allocs;
    fh_assert_ok(one_life(fh_test_allocator(state), NULL));
    uint64_t count = fh_trace_stats(t).allocs - before;
    assert_true(count > 20);
    for (uint64_t i = 1; i <= count; i++) { /* the threads decide which is which: a failure is no reason for another end */
        fh_trace_fail_at(t, i);
        fh_status s = one_life(fh_test_allocator(state), NULL);
        if (s.code != FH_OK && s.code != FH_NOMEM)
            fail_msg("allocation %llu failing: %s", (unsigned long long)i, fh_code_name(s.code));
        assert_int_equal(fh_trace_stats(t).live, 0);
    }
    fh_trace_fail_at(t, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_endpoints), FH_TEST_ALLOC(test_ipv6), FH_TEST_ALLOC(test_unbind),
        FH_TEST_ALLOC(test_unbind_ends), FH_TEST_ALLOC(test_probe),
        FH_TEST_ALLOC(test_reconnects), FH_TEST_ALLOC(test_connect_first), FH_TEST_ALLOC(test_immediate),
        FH_TEST_ALLOC(test_linger), FH_TEST_ALLOC(test_refuse), FH_TEST_ALLOC(test_many), FH_TEST_ALLOC(test_monitor),
        FH_TEST_ALLOC(test_monitor_tells), FH_TEST_ALLOC(test_watch_ends),
        FH_TEST_ALLOC(test_monitor_full), FH_TEST_ALLOC(test_plain), FH_TEST_ALLOC(test_curve),
        FH_TEST_ALLOC(test_hostile), FH_TEST_ALLOC(test_silent), FH_TEST_ALLOC(test_message_max), FH_TEST_ALLOC(test_half_open),
        FH_TEST_ALLOC(test_parts_in_time), FH_TEST_ALLOC(test_wants_too_much),
        FH_TEST_ALLOC(test_too_many_parts),
        FH_TEST_ALLOC(test_counts), FH_TEST_ALLOC(test_held_back), FH_TEST_ALLOC(test_each_allocation_fails),
    };
    return run_where_possible("test_conn", tests, sizeof tests / sizeof *tests);
}
