/* test_door.c: sockets that several threads use at once: those of RFC 41 to 52. */
#include <pthread.h>

#include "conn_world.h"
#include "freehold/atomic.h"
#include "os/socket.h"

enum { THREADS = 3, EACH = 600, BYTES = 3000, NAP_NS = 20000000, MS_NS = 1000000, SHORT_MS = 80 };

#define ENDS UINT32_MAX /* the number of the last message of a sender */

/* --- threads -------------------------------------------------------------------------------------------------------------- */

/* One call on a thread of its own: how it ended. */
typedef struct caller {
    pthread_t thread;
    world w;
    fh_sock socket, other;
    const char *text; /* to send; NULL: receives */
    fh_message *message; /* to send */
    uint32_t wanted;  /* of a poll, 0: none */
    fh_code code;
    uint32_t found;
    uint64_t took_ns;
    uint32_t is_done;
} caller;

static fh_code poll_two(caller *t) {
    size_t count;
    fh_sock_poll_item items[2] = {{.socket = t->socket, .wanted = t->wanted}, {.socket = t->other, .wanted = t->wanted}};
    fh_status s = fh_sock_poll(t->w.c, (fh_sock_poll_items){items, t->other.value != 0 ? 2 : 1}, LONG_MS, &count);
    t->found = items[0].found;
    return s.code;
}

static fh_code transfer(caller *t) {
    fh_message m = {0};
    if (t->message != NULL)
        return fh_sock_send(t->w.c, t->socket, t->message).code;
    if (t->text != NULL)
        m = message_of(t->w.a, t->text);
    fh_status s = t->text != NULL ? fh_sock_send(t->w.c, t->socket, &m) : fh_sock_receive(t->w.c, t->socket, &m);
    fh_message_drop(&m, t->w.a);
    return s.code;
}

static void *call(void *arg) {
    caller *t = arg;
    uint64_t begin = fh_os_clock_ns();
    t->code = t->wanted != 0 ? poll_two(t) : transfer(t);
    t->took_ns = fh_os_clock_ns() - begin;
    fh_store(&t->is_done, 1, FH_RELEASE);
    return NULL;
}

/* Starts it, and waits until it sleeps, most likely. */
static void start(caller *t) {
    assert_int_equal(pthread_create(&t->thread, NULL, call, t), 0);
    fh_os_nap(NAP_NS);
}
static void expect(caller *t, fh_code code) {
    assert_int_equal(pthread_join(t->thread, NULL), 0);
    assert_int_equal(t->code, code);
}

/* --- many and many -------------------------------------------------------------------------------------------------------- */

typedef struct crowd {
    world w;
    fh_sock from, to;
    fh_bytes head; /* what a message begins with, if it has two parts */
    bool heads;    /* and what is received does too */
    uint32_t next, each, counts[THREADS][EACH], strange;
} crowd;

static void *send_some(void *arg) {
    crowd *c = arg;
    uint32_t me = fh_fetch_add(&c->next, 1, FH_RELAXED);
    uint8_t bytes[BYTES];
    for (uint32_t i = 0; i <= c->each; i++) {
        fh_message m = {0};
        uint32_t size = 8 + i * 37 % (BYTES - 8);
        fh_mspan all = {bytes, size};
        fh_mspan_fill(all, (uint8_t)(me + i));
        fh_mspan_put_u32(all, 0, me);
        fh_mspan_put_u32(all, 4, i < c->each ? i : ENDS);
        fh_bytes head = fh_bytes_share(c->head);
        fh_status s = c->head.span.size != 0 ? fh_message_push(&m, c->w.a, &head) : FH_DONE;
        if (!fh_failed(s))
            s = fh_message_push_copy(&m, c->w.a, fh_span_of_mut(all));
        if (!fh_failed(s))
            s = fh_sock_send(c->w.c, c->from, &m);
        if (fh_failed(s))
            (void)fh_fetch_add(&c->strange, 1, FH_RELAXED);
        fh_message_drop(&m, c->w.a);
    }
    return NULL;
}

/* True for one that is whole; *ends: a sender's last. */
static bool check(crowd *c, const fh_message *m, bool *ends) {
    size_t at = c->heads;
    fh_span all = fh_message_count(m) == at + 1 ? fh_message_view(m, at) : FH_LIT("");
    if (all.size < 8)
        return false;
    uint32_t who = fh_span_u32(all, 0), i = fh_span_u32(all, 4);
    *ends = i == ENDS;
    uint32_t number = *ends ? c->each : i;
    bool ok = who < THREADS && number <= c->each && all.size == 8 + number * 37 % (BYTES - 8);
    for (size_t k = 8; ok && k < all.size; k++)
        ok = fh_span_at(all, k) == (uint8_t)(who + number);
    if (ok && !*ends)
        (void)fh_fetch_add(&c->counts[who][i], 1, FH_RELAXED);
    return ok;
}

static void *receive_some(void *arg) {
    crowd *c = arg;
    for (bool ends = false; !ends;) {
        fh_message m = {0};
        fh_status s = fh_sock_receive(c->w.c, c->to, &m);
        if (fh_failed(s) || !check(c, &m, &ends)) {
            (void)fh_fetch_add(&c->strange, 1, FH_RELAXED);
            ends = ends || fh_failed(s);
        }
        fh_message_drop(&m, c->w.a);
    }
    return NULL;
}

/* Each message comes whole, and once; no thread stays asleep. */
static void play(crowd *c) {
    pthread_t senders[THREADS], receivers[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&receivers[i], NULL, receive_some, c), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&senders[i], NULL, send_some, c), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(senders[i], NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(receivers[i], NULL), 0);
    assert_int_equal(c->strange, 0);
    for (uint32_t i = 0; i < THREADS; i++)
        for (uint32_t k = 0; k < c->each; k++)
            assert_int_equal(c->counts[i][k], 1);
}

static fh_sock open_small(world w, fh_zmtp_socket type, int64_t mark) {
    fh_sock s = open_patient(w, type);
    set(w, s, FH_SOCK_SEND_MARK, mark);
    set(w, s, FH_SOCK_RECEIVE_MARK, mark);
    return s;
}

static bool has_number(fh_zmtp_socket type) {
    return type == FH_ZMTP_SERVER || type == FH_ZMTP_PEER;
}

/* Who connects says something, so that who has bound knows its number. */
static fh_bytes meet(world w, fh_sock bound_one, fh_sock other, bool other_has_number) {
    fh_message m = {0};
    uint8_t id[4] = {0};
    fh_mspan_put_u32((fh_mspan){id, 4}, 0, other_has_number ? (uint32_t)get(w, other, FH_SOCK_LAST_ROUTING_ID) : 0);
    if (other_has_number)
        fh_assert_ok(fh_message_push_copy(&m, w.a, (fh_span){id, 4}));
    fh_assert_ok(fh_message_push_copy(&m, w.a, FH_LIT("here")));
    fh_assert_ok(fh_sock_send(w.c, other, &m));
    fh_assert_ok(fh_sock_receive(w.c, bound_one, &m));
    fh_bytes head = fh_message_shift(&m);
    fh_message_drop(&m, w.a);
    return head;
}

static void crowd_of(void **state, fh_zmtp_socket from, fh_zmtp_socket to, transport t) {
    bool drops = from == FH_ZMTP_RADIO;
    world w = world_new(state);
    static crowd c;
    c = (crowd){.w = w, .each = fh_test_ops() < 10000 ? EACH / 10 : EACH, .from = open_small(w, from, drops ? 0 : 3),
                .to = open_small(w, to, drops ? 0 : 3), .heads = has_number(to) || to == FH_ZMTP_DISH};
    wire_name n = bind_fresh(w, c.from, t);
    connect_to(w, c.to, n.text);
    if (has_number(from))
        c.head = meet(w, c.from, c.to, has_number(to));
    if (drops) {
        fh_assert_ok(fh_bytes_copy(w.a, FH_LIT("group"), &c.head));
        fh_assert_ok(fh_sock_subscribe(w.c, c.to, FH_LIT("group")));
        fh_os_nap(t == INPROC ? 0 : 10 * NAP_NS); /* until that is known there */
    }
    play(&c);
    fh_bytes_drop(&c.head);
    world_free(w);
}

static void test_crowds(void **state) {
    static const fh_zmtp_socket ways[][2] = {
        {FH_ZMTP_CLIENT, FH_ZMTP_SERVER}, {FH_ZMTP_SERVER, FH_ZMTP_CLIENT}, {FH_ZMTP_RADIO, FH_ZMTP_DISH},
        {FH_ZMTP_SCATTER, FH_ZMTP_GATHER}, {FH_ZMTP_PEER, FH_ZMTP_PEER}, {FH_ZMTP_CHANNEL, FH_ZMTP_CHANNEL}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        crowd_of(state, ways[i][0], ways[i][1], INPROC);
        crowd_of(state, ways[i][0], ways[i][1], TCP);
    }
}

/* --- one sleeps, another is at work --------------------------------------------------------------------------------------- */

/* A socket and one that answers it. */
typedef struct couple {
    world w;
    fh_sock mine, theirs;
} couple;

static couple couple_of(void **state, fh_zmtp_socket type, fh_zmtp_socket other) {
    couple p = {.w = world_new(state)};
    p.theirs = open_small(p.w, other, 1);
    p.mine = open_small(p.w, type, 1);
    fh_assert_ok(fh_sock_bind(p.w.c, p.theirs, FH_LIT("inproc://x"), NULL));
    connect_to(p.w, p.mine, "inproc://x");
    return p;
}

/* What comes back to who sleeps was sent meanwhile with the same socket. */
static void test_sleeper_and_sender(void **state) {
    for (int i = 0; i < 2; i++) {
        couple p = couple_of(state, i == 0 ? FH_ZMTP_CHANNEL : FH_ZMTP_CLIENT, i == 0 ? FH_ZMTP_CHANNEL : FH_ZMTP_SERVER);
        caller sleeper[2] = {{.w = p.w, .socket = p.mine}, {.w = p.w, .socket = p.mine}};
        start(&sleeper[0]);
        start(&sleeper[1]);
        for (int k = 0; k < 2; k++) {
            fh_message m = {0};
            tell(p.w, p.mine, "question");
            fh_assert_ok(fh_sock_receive(p.w.c, p.theirs, &m));
            fh_assert_ok(fh_sock_send(p.w.c, p.theirs, &m)); /* with the number of the peer in front, if it has one */
        }
        expect(&sleeper[0], FH_OK);
        expect(&sleeper[1], FH_OK);
        world_free(p.w);
    }
}

/* A new peer, and one fewer, are seen by who sleeps. */
static void test_peers_change(void **state) {
    world w = world_new(state);
    fh_sock scatter = open_patient(w, FH_ZMTP_SCATTER), gather = bound(w, FH_ZMTP_GATHER, "inproc://x");
    caller sender = {.w = w, .socket = scatter, .text = "a"};
    start(&sender);
    assert_int_equal(fh_load(&sender.is_done, FH_ACQUIRE), 0);
    connect_to(w, scatter, "inproc://x");
    expect(&sender, FH_OK);
    hear(w, gather, "a");
    world_free(w);
}
static void test_peer_goes(void **state) {
    couple p = couple_of(state, FH_ZMTP_PEER, FH_ZMTP_PEER);
    uint8_t id[4] = {0};
    fh_message m[3] = {{.count = 0}};
    fh_mspan_put_u32((fh_mspan){id, 4}, 0, (uint32_t)get(p.w, p.mine, FH_SOCK_LAST_ROUTING_ID));
    for (int i = 0; i < 3; i++) {
        fh_assert_ok(fh_message_push_copy(&m[i], p.w.a, (fh_span){id, 4}));
        fh_assert_ok(fh_message_push_copy(&m[i], p.w.a, FH_LIT("x")));
    }
    fh_assert_ok(fh_sock_try_send(p.w.c, p.mine, &m[0]));
    fh_assert_ok(fh_sock_try_send(p.w.c, p.mine, &m[1]));
    caller sender = {.w = p.w, .socket = p.mine, .message = &m[2]};
    start(&sender);
    fh_assert_ok(fh_sock_disconnect(p.w.c, p.mine, FH_LIT("inproc://x")));
    expect(&sender, FH_NOT_FOUND);
    fh_message_drop(&m[2], p.w.a);
    world_free(p.w);
}

/* --- ends ----------------------------------------------------------------------------------------------------------------- */

typedef struct sleepers {
    couple p;
    fh_sock lonely;
    caller callers[5];
} sleepers;

/* Who receives, who sends and finds no room, who polls it, alone and with another, and that other way round. */
static void put_to_sleep(void **state, sleepers *s) {
    *s = (sleepers){.p = couple_of(state, FH_ZMTP_CHANNEL, FH_ZMTP_CHANNEL)};
    world w = s->p.w;
    fh_sock mine = s->p.mine;
    s->lonely = open_patient(w, FH_ZMTP_CLIENT);
    say_ok(w, mine, "1");
    say_ok(w, mine, "2");
    s->callers[0] = (caller){.w = w, .socket = mine};
    s->callers[1] = (caller){.w = w, .socket = mine, .text = "3"};
    s->callers[2] = (caller){.w = w, .socket = mine, .wanted = FH_SOCK_READABLE};
    s->callers[3] = (caller){.w = w, .socket = mine, .other = s->lonely, .wanted = FH_SOCK_READABLE};
    s->callers[4] = (caller){.w = w, .socket = s->lonely, .other = mine, .wanted = FH_SOCK_READABLE};
    for (int i = 0; i < 5; i++)
        start(&s->callers[i]);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fh_load(&s->callers[i].is_done, FH_ACQUIRE), 0);
}

static void test_close(void **state) {
    sleepers s;
    put_to_sleep(state, &s);
    close_sock(s.p.w, s.p.mine);
    fh_sock next = open_sock(s.p.w, FH_ZMTP_CHANNEL); /* in its place, perhaps */
    for (int i = 0; i < 5; i++)
        expect(&s.callers[i], FH_STALE);
    close_sock(s.p.w, next);
    world_free(s.p.w);
}

static void test_stop(void **state) {
    for (int i = 0; i < 2; i++) {
        sleepers s;
        put_to_sleep(state, &s);
        if (i == 0)
            fh_sock_context_stop(s.p.w.c);
        else
            fh_sock_context_refuse(s.p.w.c);
        for (int k = 0; k < 5; k++)
            expect(&s.callers[k], FH_CANCELED);
        world_free(s.p.w);
    }
}

/* --- time ----------------------------------------------------------------------------------------------------------------- */

/* What wakes others does not make a wait longer. */
static void test_time(void **state) {
    couple p = couple_of(state, FH_ZMTP_CHANNEL, FH_ZMTP_CHANNEL);
    set(p.w, p.mine, FH_SOCK_RECEIVE_TIMEOUT, SHORT_MS);
    caller sleeper = {.w = p.w, .socket = p.mine};
    uint64_t begin = fh_os_clock_ns();
    start(&sleeper);
    while (fh_load(&sleeper.is_done, FH_ACQUIRE) == 0 && fh_os_clock_ns() - begin < (uint64_t)LONG_MS * MS_NS) {
        say_ok(p.w, p.mine, "a");
        hear(p.w, p.theirs, "a"); /* that there is room again is told */
        fh_os_nap(MS_NS);
    }
    assert_int_equal(fh_load(&sleeper.is_done, FH_ACQUIRE), 1); /* while it was woken again and again */
    expect(&sleeper, FH_TIMEOUT);
    assert_true(sleeper.took_ns >= (uint64_t)SHORT_MS * MS_NS);
    set(p.w, p.mine, FH_SOCK_RECEIVE_TIMEOUT, 0);
    caller hasty = {.w = p.w, .socket = p.mine};
    start(&hasty);
    expect(&hasty, FH_AGAIN);
    set(p.w, p.mine, FH_SOCK_SPIN, 1000);
    set(p.w, p.mine, FH_SOCK_RECEIVE_TIMEOUT, SHORT_MS);
    caller spinner = {.w = p.w, .socket = p.mine};
    start(&spinner);
    expect(&spinner, FH_TIMEOUT);
    world_free(p.w);
}

/* --- polls ---------------------------------------------------------------------------------------------------------------- */

/* Two poll for different things; what is there for one does not keep it from the other, nor does its end. */
static void test_polls(void **state) {
    couple p = couple_of(state, FH_ZMTP_CHANNEL, FH_ZMTP_CHANNEL);
    fh_sock lonely = open_patient(p.w, FH_ZMTP_CLIENT);
    say_ok(p.w, p.mine, "1");
    say_ok(p.w, p.mine, "2");
    for (int i = 0; i < 2; i++) {
        fh_sock other = i == 0 ? (fh_sock){0} : lonely;
        caller reader = {.w = p.w, .socket = p.mine, .other = other, .wanted = FH_SOCK_READABLE};
        caller writer = {.w = p.w, .socket = p.mine, .other = other, .wanted = FH_SOCK_WRITABLE};
        start(&reader);
        start(&writer);
        hear(p.w, p.theirs, "1");
        hear(p.w, p.theirs, "2");
        expect(&writer, FH_OK);
        assert_int_equal(writer.found, FH_SOCK_WRITABLE);
        assert_int_equal(fh_load(&reader.is_done, FH_ACQUIRE), 0);
        say_ok(p.w, p.theirs, "answer");
        expect(&reader, FH_OK);
        assert_int_equal(reader.found, FH_SOCK_READABLE);
        hear(p.w, p.mine, "answer");
        say_ok(p.w, p.mine, "1");
        say_ok(p.w, p.mine, "2");
    }
    world_free(p.w);
}

/* --- bells ---------------------------------------------------------------------------------------------------------------- */

enum { BELLS = 9 };

static bool is_rung(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

/* Each of those who wait outside is rung for, until they go; a close rings too, and then nobody. */
static void test_bells(void **state) {
    couple p = couple_of(state, FH_ZMTP_CHANNEL, FH_ZMTP_CHANNEL);
    fh_sock pair = open_sock(p.w, FH_ZMTP_PAIR);
    int bells[BELLS], error;
    for (int i = 0; i < BELLS; i++) {
        fh_assert_ok(fh_os_bell_open(&bells[i], &error));
        fh_assert_ok(fh_sock_ring(p.w.c, p.mine, bells[i]));
    }
    fh_assert_code(fh_sock_ring(p.w.c, pair, bells[0]), FH_UNSUPPORTED);
    hear_none(p.w, p.mine);
    fh_sock_unring(p.w.c, p.mine, bells[2]);
    fh_sock_unring(p.w.c, p.mine, bells[2]); /* once is enough */
    say_ok(p.w, p.theirs, "a");
    for (int i = 0; i < BELLS; i++) {
        assert_int_equal(is_rung(bells[i]), i != 2);
        fh_os_bell_clear(bells[i]);
    }
    hear(p.w, p.mine, "a");
    for (int i = 0; i < BELLS - 1; i++)
        fh_sock_unring(p.w.c, p.mine, bells[i]);
    hear_none(p.w, p.mine);
    say_ok(p.w, p.theirs, "b");
    assert_true(is_rung(bells[BELLS - 1]) && !is_rung(bells[0]));
    fh_os_bell_clear(bells[BELLS - 1]);
    close_sock(p.w, p.mine);
    assert_true(is_rung(bells[BELLS - 1]));
    fh_os_bell_clear(bells[BELLS - 1]);
    fh_sock next = connected(p.w, FH_ZMTP_GATHER, "inproc://y"), other = bound(p.w, FH_ZMTP_SCATTER, "inproc://y");
    fh_assert_ok(fh_sock_ring(p.w.c, next, bells[0]));
    hear_none(p.w, next);
    say_ok(p.w, other, "c");
    assert_true(is_rung(bells[0]) && !is_rung(bells[BELLS - 1]));
    fh_sock_unring(p.w.c, p.mine, bells[BELLS - 1]);
    for (int i = 0; i < BELLS; i++)
        fh_os_close(bells[i]);
    world_free(p.w);
}

/* Without memory a bell is not rung, and nothing else is different. */
static void test_bells_fail(void **state) {
    couple p = couple_of(state, FH_ZMTP_CHANNEL, FH_ZMTP_CHANNEL);
    int bell, error;
    fh_assert_ok(fh_os_bell_open(&bell, &error));
    fh_trace_fail_at(fh_test_trace(state), 1);
    fh_assert_code(fh_sock_ring(p.w.c, p.mine, bell), FH_NOMEM);
    hear_none(p.w, p.mine);
    say_ok(p.w, p.theirs, "a");
    assert_false(is_rung(bell));
    fh_assert_ok(fh_sock_ring(p.w.c, p.mine, bell));
    fh_os_close(bell);
    world_free(p.w);
}

/* --- numbers, rows -------------------------------------------------------------------------------------------------------- */

/* A number says what it opens: with another mark it opens nothing. The classic types are one thread's at a time. */
static void test_numbers(void **state) {
    world w = world_new(state);
    fh_sock pair = open_sock(w, FH_ZMTP_PAIR), channel = open_sock(w, FH_ZMTP_CHANNEL);
    int64_t value = 0;
    for (uint64_t bit = UINT64_C(1) << 15; bit <= UINT64_C(1) << 33; bit <<= 1) {
        fh_assert_code(fh_sock_get(w.c, (fh_sock){pair.value ^ bit}, FH_SOCK_TYPE, &value), FH_STALE);
        fh_assert_code(fh_sock_get(w.c, (fh_sock){channel.value ^ bit}, FH_SOCK_TYPE, &value), FH_STALE);
    }
    set(w, pair, FH_SOCK_RECEIVE_TIMEOUT, LONG_MS);
    caller sleeper = {.w = w, .socket = pair};
    start(&sleeper);
    fh_assert_code(fh_sock_get(w.c, pair, FH_SOCK_TYPE, &value), FH_BORROWED);
    fh_assert_code(fh_sock_close(w.c, pair), FH_BORROWED);
    fh_sock_context_stop(w.c);
    expect(&sleeper, FH_CANCELED);
    world_free(w);
}

/* Several at a time; none is asked for, and the number is looked at all the same. */
static void test_rows(void **state) {
    couple p = couple_of(state, FH_ZMTP_CHANNEL, FH_ZMTP_CHANNEL);
    fh_message m[3] = {message_of(p.w.a, "a"), message_of(p.w.a, "b"), message_of(p.w.a, "c")};
    size_t done = 9;
    fh_assert_ok(fh_sock_send_n(p.w.c, p.mine, (fh_messages){m, 3}, &done));
    assert_int_equal(done, 2);
    fh_message_drop(&m[2], p.w.a);
    fh_assert_ok(fh_sock_receive_n(p.w.c, p.theirs, (fh_messages){m, 3}, &done));
    assert_int_equal(done, 2);
    fh_test_span(fh_message_view(&m[1], 0), "b", __FILE__, __LINE__);
    for (int i = 0; i < 2; i++)
        fh_message_drop(&m[i], p.w.a);
    fh_assert_ok(fh_sock_receive_n(p.w.c, p.theirs, (fh_messages){m, 0}, &done));
    assert_int_equal(done, 0);
    close_sock(p.w, p.theirs);
    fh_assert_code(fh_sock_receive_n(p.w.c, p.theirs, (fh_messages){m, 0}, &done), FH_STALE);
    world_free(p.w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_crowds), FH_TEST_ALLOC(test_sleeper_and_sender), FH_TEST_ALLOC(test_peers_change),
        FH_TEST_ALLOC(test_peer_goes), FH_TEST_ALLOC(test_close), FH_TEST_ALLOC(test_stop),
        FH_TEST_ALLOC(test_time), FH_TEST_ALLOC(test_polls), FH_TEST_ALLOC(test_numbers),
        FH_TEST_ALLOC(test_rows), FH_TEST_ALLOC(test_bells), FH_TEST_ALLOC(test_bells_fail)};
    return run_where_possible("test_door", tests, sizeof tests / sizeof *tests);
}
