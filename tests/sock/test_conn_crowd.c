/* test_conn_crowd.c: two thousand connections that come, say a part of something and go, in no order and without a word: what
 * they had comes back, descriptors and memory, on each engine of the network. Skipped where so many descriptors are not to be
 * had.
 *
 * tidy: exempt mirror: it is of the whole layer */
#define _GNU_SOURCE 1
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "conn_world.h"

enum { CROWD = 2000, CHANGES = 2000, DESCRIPTORS = 2 * CROWD + 200, SLACK_BYTES = 8 << 20 };

/* Greeting and READY of a PUSH, and two messages. */
static uint8_t speech[64 + 28 + 7 + 11] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};

typedef struct crowd {
    world w;
    fh_sock pull;
    wire_name n;
    fh_test_rng rng;
    int fd[CROWD]; /* -1: nobody */
} crowd;

/* Without what the C library keeps for later. Nothing where a sanitizer keeps everything. */
static uint64_t resident_bytes(void) {
#ifdef FH_TEST_SANITIZED
    return 0;
#else
    (void)malloc_trim(0);
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long long all = 0, resident = 0;
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%llu %llu", &all, &resident), 2);
    (void)fclose(f);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
#endif
}

/* Number i comes, and says so much. */
static void come(crowd *c, size_t i, size_t bytes) {
    int port = 0;
    assert_int_equal(sscanf(c->n.text, "tcp://127.0.0.1:%d", &port), 1);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd[i] = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(c->fd[i] >= 0 && connect(c->fd[i], (const struct sockaddr *)&to, sizeof to) == 0);
    assert_int_equal(send(c->fd[i], speech, bytes, MSG_NOSIGNAL), bytes);
}

/* Number i goes: the other side is told the end, or cut off. */
static void go(crowd *c, size_t i, bool cut) {
    struct linger now = {.l_onoff = cut, .l_linger = 0};
    (void)setsockopt(c->fd[i], SOL_SOCKET, SO_LINGER, &now, sizeof now);
    (void)close(c->fd[i]);
    c->fd[i] = -1;
}

static size_t drain(crowd *c) {
    size_t count = 0;
    fh_message m = {0};
    for (; fh_sock_try_receive(c->w.c, c->pull, &m).code == FH_OK; count++)
        fh_message_drop(&m, c->w.a);
    return count;
}

/* All come and are heard, then come and go as they like, then all go. */
static void round_of(crowd *c, size_t quiet) {
    for (size_t i = 0; i < CROWD; i++) {
        come(c, i, sizeof speech);
        (void)drain(c);
    }
    for (size_t i = 0; i < CHANGES; i++) {
        size_t who = (size_t)fh_test_rng_below(&c->rng, CROWD);
        if (c->fd[who] >= 0)
            go(c, who, i % 2 == 0);
        else
            come(c, who, (size_t)fh_test_rng_below(&c->rng, sizeof speech + 1));
        (void)drain(c);
    }
    for (size_t i = 0; i < CROWD; i++)
        if (c->fd[i] >= 0)
            go(c, i, false);
    uint64_t end = fh_os_clock_ns() + (uint64_t)LONG_MS * 1000000;
    while (descriptors() != quiet) {
        assert_true(fh_os_clock_ns() < end);
        (void)drain(c);
        fh_os_nap(1000000);
    }
    (void)drain(c);
}

/* A message goes through: all that was before it is done. */
static void pass_one(crowd *c, fh_sock push) {
    tell(c->w, push, "here");
    await(c->w, c->pull, "here");
}

static void play(void **state) {
    static crowd c;
    fh_trace *trace = fh_test_trace(state);
    c = (crowd){.w = world_new(state), .rng = fh_test_rng_new(1)};
    c.pull = open_patient(c.w, FH_ZMTP_PULL);
    set(c.w, c.pull, FH_SOCK_HALF_OPEN_MAX, 0);
    set(c.w, c.pull, FH_SOCK_RECEIVE_MARK, 4);
    set(c.w, c.pull, FH_SOCK_BACKLOG, 1000);
    c.n = bind_fresh(c.w, c.pull, TCP);
    fh_sock push = connect_patient(c.w, FH_ZMTP_PUSH, c.n);
    pass_one(&c, push);
    size_t quiet = descriptors();
    uint64_t resident = 0, live = 0;
    for (int i = 0; i < 3; i++) { /* the first one warms up: tables grow */
        round_of(&c, quiet);
        pass_one(&c, push);
        if (i != 0)
            continue;
        fh_os_nap(1500000000); /* what was used by the way goes back to the system after a second of rest */
        resident = resident_bytes();
        live = fh_trace_stats(trace).live;
    }
    uint64_t end = fh_os_clock_ns() + (uint64_t)LONG_MS * 1000000;
    while (fh_trace_stats(trace).live > live + 16 || resident_bytes() > resident + SLACK_BYTES) {
        (void)drain(&c); /* a socket learns of ends when it is called */
        fh_os_nap(10000000);
        if (fh_os_clock_ns() > end)
            fail_msg("%llu KiB are resident, %llu were; %llu blocks are live, %llu were",
                     (unsigned long long)resident_bytes() >> 10, (unsigned long long)resident >> 10,
                     (unsigned long long)fh_trace_stats(trace).live, (unsigned long long)live);
    }
    world_stop(c.w);
}

static void test_crowd(void **state) {
    play(state);
}

static void test_crowd_on_epoll(void **state) {
    assert_int_equal(setenv("FREEHOLD_NET", "epoll", 1), 0);
    play(state);
    assert_int_equal(unsetenv("FREEHOLD_NET"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_crowd), FH_TEST_ALLOC(test_crowd_on_epoll)};
    struct rlimit limit;
    memcpy(&speech[64], "\4\32\5READY\13Socket-Type\0\0\0\4PUSH" "\0\5hello" "\1\3one\0\4more", 28 + 7 + 11);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < DESCRIPTORS)) {
        printf("skipped: a process may not have %d descriptors here\n", (int)DESCRIPTORS);
        return 77;
    }
    limit.rlim_cur = limit.rlim_cur < DESCRIPTORS ? DESCRIPTORS : limit.rlim_cur;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1;
    return run_where_possible("test_conn_crowd", tests, sizeof tests / sizeof *tests);
}
