/* test_net_move.c: connections that go from loop to loop, and are pushed: what was asked for goes on in the other one, no byte
 * twice and none lost. The peer is the other end of a pair of local sockets, which the test reads and writes by itself. */
#define _GNU_SOURCE 1

#include "fh_test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "freehold/net.h"
#include "freehold/os.h"

enum { LARGE = 3 << 20, PIECE = 65536, USER = 7, OTHER = 8 };
#define LONG_NS UINT64_C(60000000000)

typedef struct loops {
    fh_page_source *pages;
    fh_net *from, *to;
    fh_net_socket s;
    int peer;
} loops;

static void loops_new(void **state, loops *l, fh_net_engine engine) {
    fh_err err = {0};
    int pair[2];
    fh_net_options options = {.engine = engine, .sockets_max = 4, .timers_max = 1};
    fh_assert_ok(fh_page_source_new(fh_test_allocator(state), &(fh_page_options){.pages_max = 256}, &l->pages));
    fh_status s = fh_net_new(fh_test_allocator(state), l->pages, &options, &l->from, &err);
    if (s.code == FH_UNSUPPORTED) {
        fh_page_source_free(l->pages);
        fh_test_skip(err.message);
    }
    fh_assert_ok(s);
    fh_assert_ok(fh_net_new(fh_test_allocator(state), l->pages, &options, &l->to, &err));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    l->peer = pair[0];
    fh_assert_ok(fh_net_adopt(l->from, pair[1], USER, &l->s, &err));
}
static void loops_free(loops *l) {
    fh_net_free(l->from);
    fh_net_free(l->to);
    assert_int_equal(fh_page_source_stats(l->pages).slabs, 0);
    fh_page_source_free(l->pages);
    close(l->peer);
}
/* The next event of a kind; others are passed over. */
static size_t await(fh_net *net, fh_net_kind kind, fh_span expected) {
    for (uint64_t end = fh_os_clock_ns() + LONG_NS; fh_os_clock_ns() < end;) {
        fh_net_event e;
        if (fh_net_next(net, &e).code != FH_OK) {
            (void)!fh_failed(fh_net_wait(net, LONG_NS));
            continue;
        }
        bool found = e.kind == kind;
        size_t count = e.count;
        if (found && kind == FH_NET_RECEIVED)
            assert_true(fh_span_equal(e.bytes.span, expected));
        fh_net_event_drop(&e);
        if (found)
            return count;
    }
    fail_msg("nothing has come");
    return 0;
}
/* Nothing comes for so long; a stop of the process does not count. */
static void await_nothing(fh_net *net, uint64_t ns) {
    fh_code code = FH_CANCELED;
    while (code == FH_CANCELED)
        code = fh_net_wait(net, ns).code;
    assert_int_equal(code, FH_TIMEOUT);
}

static void give(loops *l, const char *text) {
    assert_int_equal(write(l->peer, text, strlen(text)), strlen(text));
}
/* Reads what is there at the peer's side, which goes on from byte `from` of a count of 32 bits; where it ends. */
static size_t hear(const loops *l, size_t from, size_t most) {
    static uint8_t bytes[PIECE];
    ssize_t n = recv(l->peer, bytes, most < PIECE ? most : PIECE, MSG_DONTWAIT);
    for (size_t i = 0; n > 0 && i < (size_t)n; i++)
        assert_int_equal(bytes[i], (uint8_t)((from + i) / 4 >> 8 * ((from + i) % 4)));
    return from + (n > 0 ? (size_t)n : 0);
}
static void send_large(loops *l) {
    static uint8_t bytes[PIECE];
    for (size_t at = 0; at < LARGE; at += PIECE) {
        fh_bytes piece;
        for (size_t i = 0; i < PIECE; i++)
            bytes[i] = (uint8_t)((at + i) / 4 >> 8 * (i % 4));
        fh_assert_ok(fh_page_source_copy(l->pages, (fh_span){bytes, PIECE}, &piece));
        fh_assert_ok(fh_net_send(l->from, l->s, &piece));
    }
}

/* A receive that was asked for is answered by the other loop; before, it is taken back from the kernel. */
static void receive_moves(void **state, fh_net_engine engine) {
    loops l;
    fh_net_socket there;
    loops_new(state, &l, engine);
    fh_assert_ok(fh_net_receive(l.from, l.s));
    await_nothing(l.from, 0);
    fh_status early = fh_net_move(l.from, l.s, l.to, OTHER, &there);
    assert_int_equal(early.code, engine == FH_NET_URING ? FH_BORROWED : FH_OK);
    if (fh_failed(early)) {
        fh_assert_ok(fh_net_rest(l.from, l.s));
        fh_assert_ok(fh_net_move(l.from, l.s, l.to, OTHER, &there));
    }
    fh_assert_code(fh_net_receive(l.from, l.s), FH_STALE);
    assert_int_equal(fh_net_stats_get(l.from).sockets, 0);
    give(&l, "here");
    assert_int_equal(await(l.to, FH_NET_RECEIVED, FH_LIT("here")), 4);
    fh_assert_ok(fh_net_receive(l.to, there));
    give(&l, "again");
    assert_int_equal(await(l.to, FH_NET_RECEIVED, FH_LIT("again")), 5);
    fh_assert_ok(fh_net_move(l.to, there, l.from, USER, &l.s)); /* and home */
    fh_assert_ok(fh_net_receive(l.from, l.s));
    give(&l, "home");
    assert_int_equal(await(l.from, FH_NET_RECEIVED, FH_LIT("home")), 4);
    loops_free(&l);
}

/* So is what waits to be sent: of a send that is under way the rest. */
static void sends_move(void **state, fh_net_engine engine) {
    loops l;
    fh_net_socket there;
    fh_net_event e;
    loops_new(state, &l, engine);
    send_large(&l);
    while (fh_net_wait(l.from, 20000000).code != FH_TIMEOUT) /* until it takes no more */
        while (fh_net_next(l.from, &e).code == FH_OK)
            fh_net_event_drop(&e);
    uint64_t left = fh_net_out_bytes(l.from, l.s);
    assert_true(left > 0 && left < LARGE);
    size_t heard = hear(&l, 0, PIECE); /* room for a part of what the kernel has */
    fh_assert_ok(fh_net_rest(l.from, l.s));
    while (fh_net_next(l.from, &e).code == FH_OK)
        fh_net_event_drop(&e);
    fh_assert_ok(fh_net_move(l.from, l.s, l.to, OTHER, &there));
    assert_true(fh_net_out_bytes(l.to, there) > 0);
    for (uint64_t end = fh_os_clock_ns() + LONG_NS; heard < LARGE && fh_os_clock_ns() < end;) {
        heard = hear(&l, heard, LARGE - heard);
        (void)!fh_failed(fh_net_wait(l.to, 1000000));
        while (fh_net_next(l.to, &e).code == FH_OK)
            fh_net_event_drop(&e);
    }
    assert_int_equal(heard, LARGE);
    assert_int_equal(fh_net_out_bytes(l.to, there), 0);
    loops_free(&l);
}

/* One call sends; its event is there without a wait. What does not fit stays. */
static void pushes(void **state, fh_net_engine engine) {
    loops l;
    fh_bytes piece;
    fh_net_event e;
    uint8_t heard[8] = {0};
    loops_new(state, &l, engine);
    fh_assert_ok(fh_page_source_copy(l.pages, FH_LIT("now"), &piece));
    fh_assert_ok(fh_net_send(l.from, l.s, &piece));
    uint64_t calls = fh_net_stats_get(l.from).system_calls;
    fh_assert_ok(fh_net_push(l.from, l.s));
    assert_int_equal(fh_net_stats_get(l.from).system_calls - calls, 1);
    fh_assert_ok(fh_net_next(l.from, &e));
    assert_int_equal(e.kind, FH_NET_SENT);
    assert_int_equal(e.count, 3);
    assert_int_equal(e.user, USER);
    assert_int_equal(read(l.peer, heard, sizeof heard), 3);
    assert_memory_equal(heard, "now", 3);
    send_large(&l);
    fh_assert_ok(fh_net_push(l.from, l.s));
    uint64_t left = fh_net_out_bytes(l.from, l.s);
    assert_true(left > 0 && left < LARGE);
    close(l.peer);
    l.peer = dup(0);
    fh_assert_ok(fh_net_push(l.from, l.s));
    assert_int_equal(fh_net_out_bytes(l.from, l.s), 0); /* the peer is gone: dropped */
    loops_free(&l);
}

static void refusals(void **state, fh_net_engine engine) {
    loops l;
    fh_net_socket there = {1}, listener, more[4];
    fh_net *sim;
    fh_address at;
    fh_err err = {0};
    loops_new(state, &l, engine);
    fh_assert_ok(fh_net_receive(l.from, l.s));
    give(&l, "untold");
    while (fh_net_wait(l.from, LONG_NS).code != FH_OK)
        ;
    fh_assert_code(fh_net_move(l.from, l.s, l.to, OTHER, &there), FH_BORROWED);
    assert_int_equal(there.value, 0);
    assert_int_equal(await(l.from, FH_NET_RECEIVED, FH_LIT("untold")), 6);
    fh_assert_ok(fh_address_unix(FH_LIT("@freehold-test-move"), &at, &err));
    fh_assert_ok(fh_net_listen(l.from, &at, NULL, USER, &listener, &err));
    fh_assert_code(fh_net_move(l.from, listener, l.to, OTHER, &there), FH_INVALID);
    fh_assert_code(fh_net_push(l.from, listener), FH_INVALID);
    fh_assert_code(fh_net_rest(l.from, listener), FH_INVALID);
    fh_net_options options = {.engine = FH_NET_SIM};
    fh_assert_ok(fh_net_new(fh_test_allocator(state), l.pages, &options, &sim, &err));
    fh_assert_code(fh_net_move(l.from, l.s, sim, OTHER, &there), FH_UNSUPPORTED);
    fh_net_free(sim);
    for (size_t i = 0; i < 4; i++) { /* the other loop is full */
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        close(pair[0]);
        fh_assert_ok(fh_net_adopt(l.to, pair[1], OTHER, &more[i], &err));
    }
    fh_assert_code(fh_net_move(l.from, l.s, l.to, OTHER, &there), FH_EXHAUSTED);
    fh_assert_ok(fh_net_receive(l.from, l.s)); /* it stays, and goes on */
    give(&l, "stays");
    assert_int_equal(await(l.from, FH_NET_RECEIVED, FH_LIT("stays")), 5);
    assert_int_equal(fh_net_close(l.from, l.s).code, FH_OK);
    fh_assert_code(fh_net_move(l.from, l.s, l.to, OTHER, &there), FH_STALE);
    loops_free(&l);
}

/* One of several that have something to do goes: the others do it. */
static void others_stay(void **state, fh_net_engine engine) {
    enum { OTHERS = 3 };
    for (size_t gone = 0; gone < OTHERS; gone++) {
        loops l;
        fh_net_socket s[OTHERS], there;
        int peers[OTHERS];
        fh_err err = {0};
        loops_new(state, &l, engine);
        for (size_t i = 0; i < OTHERS; i++) {
            int pair[2];
            assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
            peers[i] = pair[0];
            fh_assert_ok(fh_net_adopt(l.from, pair[1], i, &s[i], &err));
            fh_assert_ok(fh_net_receive(l.from, s[i]));
        }
        fh_assert_ok(fh_net_move(l.from, s[gone], l.to, OTHER, &there));
        for (size_t i = 0; i < OTHERS; i++) {
            assert_int_equal(write(peers[i], "each", 4), 4);
            assert_int_equal(await(i == gone ? l.to : l.from, FH_NET_RECEIVED, FH_LIT("each")), 4);
            close(peers[i]);
        }
        loops_free(&l);
    }
}

/* A descriptor goes out of a loop that was asked nothing of it, and into another one. */
static void gives(void **state, fh_net_engine engine) {
    loops l;
    fh_net_socket there, listener;
    fh_address at;
    fh_err err = {0};
    fh_bytes piece;
    int fd = 0;
    loops_new(state, &l, engine);
    fh_assert_ok(fh_bytes_copy(fh_test_allocator(state), FH_LIT("waits"), &piece));
    fh_assert_ok(fh_net_send(l.from, l.s, &piece));
    fh_assert_code(fh_net_give(l.from, l.s, &fd), FH_BORROWED); /* a piece waits */
    assert_int_equal(fd, -1);
    (void)await(l.from, FH_NET_SENT, FH_LIT(""));
    fh_assert_ok(fh_net_receive(l.from, l.s));
    fh_assert_code(fh_net_give(l.from, l.s, &fd), FH_BORROWED); /* a receive is asked for */
    give(&l, "untold");
    while (fh_net_wait(l.from, LONG_NS).code != FH_OK)
        ;
    fh_assert_code(fh_net_give(l.from, l.s, &fd), FH_BORROWED); /* and not told yet */
    assert_int_equal(await(l.from, FH_NET_RECEIVED, FH_LIT("untold")), 6);
    fh_assert_ok(fh_address_unix(FH_LIT("@freehold-test-give"), &at, &err));
    fh_assert_ok(fh_net_listen(l.from, &at, NULL, USER, &listener, &err));
    fh_assert_code(fh_net_give(l.from, listener, &fd), FH_INVALID);
    fh_assert_ok(fh_net_give(l.from, l.s, &fd));
    assert_true(fd >= 0);
    fh_assert_code(fh_net_receive(l.from, l.s), FH_STALE);
    fh_assert_ok(fh_net_adopt(l.to, fd, OTHER, &there, &err));
    fh_assert_ok(fh_net_receive(l.to, there));
    give(&l, "given");
    assert_int_equal(await(l.to, FH_NET_RECEIVED, FH_LIT("given")), 5);
    fh_assert_ok(fh_net_shutdown(l.to, there));
    fh_assert_code(fh_net_give(l.to, there, &fd), FH_BORROWED); /* its end is asked for */
    loops_free(&l);
}

/* Who spins is not late, and ends when its time is over. */
static void spins(void **state, fh_net_engine engine) {
    loops l;
    loops_new(state, &l, engine);
    fh_net_spin_set(l.from, 3000000);
    fh_assert_ok(fh_net_receive(l.from, l.s));
    uint64_t start = fh_os_clock_ns();
    await_nothing(l.from, 1000000);
    assert_true(fh_os_clock_ns() - start >= 1000000);
    await_nothing(l.from, 6000000);
    assert_true(fh_os_clock_ns() - start >= 7000000);
    give(&l, "spun");
    assert_int_equal(await(l.from, FH_NET_RECEIVED, FH_LIT("spun")), 4);
    uint64_t before = fh_net_now_ns(l.from);
    fh_os_nap(2000000);
    assert_int_equal(fh_net_now_ns(l.from), before);
    fh_net_clock_read(l.from);
    assert_true(fh_net_now_ns(l.from) >= before + 2000000);
    loops_free(&l);
}

#define ON_BOTH(name)                                        \
    static void test_##name##_epoll(void **state) {          \
        name(state, FH_NET_EPOLL);                           \
    }                                                        \
    static void test_##name##_uring(void **state) {          \
        name(state, FH_NET_URING);                           \
    }
ON_BOTH(receive_moves)
ON_BOTH(sends_move)
ON_BOTH(pushes)
ON_BOTH(refusals)
ON_BOTH(others_stay)
ON_BOTH(gives)
ON_BOTH(spins)

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_receive_moves_epoll), FH_TEST_ALLOC(test_receive_moves_uring),
        FH_TEST_ALLOC(test_sends_move_epoll),    FH_TEST_ALLOC(test_sends_move_uring),
        FH_TEST_ALLOC(test_pushes_epoll),        FH_TEST_ALLOC(test_pushes_uring),
        FH_TEST_ALLOC(test_refusals_epoll),      FH_TEST_ALLOC(test_refusals_uring),
        FH_TEST_ALLOC(test_gives_epoll),         FH_TEST_ALLOC(test_gives_uring),
        FH_TEST_ALLOC(test_others_stay_epoll),   FH_TEST_ALLOC(test_others_stay_uring),
        FH_TEST_ALLOC(test_spins_epoll),         FH_TEST_ALLOC(test_spins_uring),
    };
    return cmocka_run_group_tests_name("net_move", tests, NULL, NULL);
}
