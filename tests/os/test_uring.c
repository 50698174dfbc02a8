/* test_uring.c: rings of operations: what comes back, where received bytes lie, limits, ends, and kernels that refuse. */
#define _GNU_SOURCE 1

#include "fh_seccomp.h"
#include "fh_test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/socket.h"
#include "os/uring.h"

enum { KINDS = 3, BUFFER = 4096 };
#define MINUTE UINT64_C(60000000000)
static const fh_uring_options kinds[KINDS] = {
    {.one_thread = true}, {.one_thread = false}, {.one_thread = true, .oldest = true}};

/* A ring; a test is skipped where the kernel refuses. */
static fh_uring *ring_new(size_t kind) {
    fh_uring *r = NULL;
    int error = 0;
    fh_status s = fh_uring_open(kinds[kind], &r, &error);
    if (s.code == FH_UNSUPPORTED)
        fh_test_skip(fh_uring_refusal(error));
    fh_assert_ok(s);
    return r;
}

/* What has come; waits for one, up to a minute. */
static fh_uring_done wait_for_one(fh_uring *r) {
    fh_uring_done done;
    uint32_t calls;
    while (!fh_uring_next(r, &done)) {
        fh_assert_ok(fh_uring_wait(r, MINUTE, &calls));
        assert_in_range(calls, 1, 2);
    }
    return done;
}

typedef struct pair {
    int here, there;
} pair;

static pair pair_new(void) {
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    return (pair){fds[0], fds[1]};
}

static void pair_end(pair p) {
    (void)close(p.here);
    (void)close(p.there);
}

static void say(int fd, const char *text) {
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void test_about(void **state) {
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        fh_uring *r = ring_new(k);
        fh_uring_about about = fh_uring_about_get(r);
        printf("kind %zu: deferred %d, cooperative %d, incremental %d\n", k, about.is_deferred, about.is_cooperative,
               about.is_incremental);
        assert_false(about.is_deferred && about.is_cooperative);
        assert_false(!kinds[k].one_thread && (about.is_deferred || about.is_cooperative));
        assert_false(kinds[k].oldest && (about.is_deferred || about.is_incremental));
        assert_false(fh_uring_has_news(r));
        fh_uring_close(r);
    }
    fh_uring_close(NULL);
}

/* Received bytes lie in what was lent, one behind the other where the kernel knows how, and nowhere else. */
static void test_lent(void **state) {
    (void)state;
    static uint8_t first[BUFFER], second[BUFFER];
    for (size_t k = 0; k < KINDS; k++) {
        fh_uring *r = ring_new(k);
        pair p = pair_new();
        memset(first, 0, sizeof first);
        memset(second, 0, sizeof second);
        fh_assert_ok(fh_uring_receive(r, p.here, false, 7));
        say(p.there, "hello");
        fh_uring_done done = wait_for_one(r);
        fh_assert_code(done.status, FH_EXHAUSTED); /* nothing was lent */
        assert_true(done.no_buffer && !done.has_buffer && done.key == 7 && done.count == 0);
        fh_uring_lend(r, 3, (fh_mspan){first, sizeof first});
        fh_uring_lend(r, 5, (fh_mspan){second, sizeof second});
        fh_assert_ok(fh_uring_receive(r, p.here, true, 8));
        done = wait_for_one(r);
        fh_assert_ok(done.status);
        assert_true(done.has_buffer && done.buffer == 3 && done.count == 5 && done.key == 8 && !done.more);
        assert_int_equal(done.buffer_stays, fh_uring_about_get(r).is_incremental);
        assert_memory_equal(first, "hello", 6);
        say(p.there, "again");
        fh_assert_ok(fh_uring_receive(r, p.here, false, 9));
        done = wait_for_one(r);
        assert_int_equal(done.buffer, fh_uring_about_get(r).is_incremental ? 3 : 5);
        assert_memory_equal(fh_uring_about_get(r).is_incremental ? first + 5 : second, "again", 6);
        pair_end(p);
        fh_uring_close(r);
    }
}

/* Room of the caller's: as much as fits, and the rest is announced; the end is 0 bytes. */
static void test_room(void **state) {
    (void)state;
    uint8_t room[3] = {0};
    fh_uring *r = ring_new(0);
    pair p = pair_new();
    say(p.there, "hello");
    fh_assert_ok(fh_uring_receive_into(r, p.here, (fh_mspan){room, 3}, false, 1));
    fh_uring_done done = wait_for_one(r);
    assert_true(done.count == 3 && done.has_rest && !done.has_buffer);
    assert_memory_equal(room, "hel", 3);
    fh_assert_ok(fh_uring_receive_into(r, p.here, (fh_mspan){room, 3}, false, 1));
    done = wait_for_one(r);
    assert_true(done.count == 2 && !done.has_rest);
    assert_memory_equal(room, "lol", 3);
    (void)shutdown(p.there, SHUT_WR);
    fh_assert_ok(fh_uring_receive_into(r, p.here, (fh_mspan){room, 3}, true, 1));
    done = wait_for_one(r);
    fh_assert_ok(done.status);
    assert_int_equal(done.count, 0);
    pair_end(p);
    fh_uring_close(r);
}

/* Pieces leave in their order, of several sends in one wait; a peer that has gone is an end, and no signal. */
static void test_send(void **state) {
    (void)state;
    char got[32] = "";
    fh_span pieces[] = {FH_LIT("a "), FH_LIT("few "), FH_LIT("pieces")}, more[] = {FH_LIT("!")};
    fh_uring *r = ring_new(0);
    pair p = pair_new();
    fh_assert_ok(fh_uring_send(r, p.here, (fh_views){pieces, 3}, false, 1));
    fh_assert_ok(fh_uring_send(r, p.here, (fh_views){more, 1}, true, 2));
    fh_uring_done done = wait_for_one(r);
    assert_true(done.key == 1 && done.count == 12);
    done = wait_for_one(r);
    assert_true(done.key == 2 && done.count == 1);
    assert_int_equal(read(p.there, got, sizeof got), 13);
    assert_string_equal(got, "a few pieces!");
    (void)close(p.there);
    p.there = -1;
    fh_assert_ok(fh_uring_send(r, p.here, (fh_views){more, 1}, false, 3));
    done = wait_for_one(r);
    fh_assert_code(done.status, FH_END);
    assert_int_equal(done.error, EPIPE);
    (void)close(p.here);
    fh_uring_close(r);
}

/* As much as one wait can show, and no more; the same again after the wait. */
static void test_full(void **state) {
    (void)state;
    static fh_span pieces[FH_URING_PIECES_MAX];
    uint32_t calls;
    fh_uring_done done;
    fh_uring *r = ring_new(1);
    pair p = pair_new();
    uint8_t room[1];
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < FH_URING_OPS_MAX; i++)
            fh_assert_ok(fh_uring_receive_into(r, p.here, (fh_mspan){room, 1}, true, 1 + i));
        fh_assert_code(fh_uring_receive_into(r, p.here, (fh_mspan){room, 1}, true, 999), FH_EXHAUSTED);
        assert_true(fh_uring_has_news(r));
        fh_assert_ok(fh_uring_wait(r, 0, &calls));
        assert_false(fh_uring_has_news(r));
        fh_assert_ok(fh_uring_cancel(r, p.here));
        for (size_t i = 0; i < FH_URING_OPS_MAX; i++) {
            done = wait_for_one(r);
            if (done.key == FH_URING_NO_KEY)
                i--;
            else
                fh_assert_code(done.status, FH_AGAIN);
        }
    }
    for (size_t i = 0; i < FH_URING_PIECES_MAX; i++)
        pieces[i] = FH_LIT("x");
    fh_assert_ok(fh_uring_send(r, p.here, (fh_views){pieces, 1000}, false, 1));
    fh_assert_code(fh_uring_send(r, p.here, (fh_views){pieces, FH_URING_PIECES_MAX - 999}, false, 2), FH_EXHAUSTED);
    assert_int_equal(wait_for_one(r).count, 1000);
    fh_assert_ok(fh_uring_send(r, p.here, (fh_views){pieces, FH_URING_PIECES_MAX - 999}, false, 2));
    (void)wait_for_one(r);
    pair_end(p);
    fh_uring_close(r);
}

/* A listener's connections come of one operation, until it is canceled. */
static void test_accept(void **state) {
    (void)state;
    fh_address at;
    fh_err err;
    fh_err_clear(&err);
    fh_os_socket_options options = {0};
    int listener, error, fds[3];
    fh_uring *r = ring_new(0);
    fh_assert_ok(fh_address_tcp(FH_LIT("127.0.0.1:*"), false, &at, &err));
    fh_assert_ok(fh_os_listen(&at, &options, &listener, &error));
    fh_assert_ok(fh_os_socket_name(listener, false, &at));
    fh_assert_ok(fh_uring_accept(r, listener, 5));
    for (size_t i = 0; i < 3; i++) {
        fh_assert_ok(fh_os_stream(&at, &options, &fds[i], &error));
        fh_status s = fh_os_connect(fds[i], &at, &error);
        assert_true(s.code == FH_OK || s.code == FH_AGAIN);
        fh_assert_ok(fh_uring_writable(r, fds[i], 6));
        for (size_t k = 0; k < 2; k++) {
            fh_uring_done done = wait_for_one(r);
            fh_assert_ok(done.status);
            assert_int_equal(done.more, done.key == 5);
            if (done.key == 5)
                (void)close((int)done.count);
        }
        assert_int_equal(fh_os_socket_fault(fds[i]), 0);
        (void)close(fds[i]);
    }
    fh_assert_ok(fh_uring_cancel(r, listener));
    fh_uring_done last = wait_for_one(r);
    while (last.key == FH_URING_NO_KEY)
        last = wait_for_one(r);
    fh_assert_code(last.status, FH_AGAIN);
    assert_false(last.more);
    (void)close(listener);
    fh_uring_close(r);
}

static void *ring_bell(void *arg) {
    fh_os_bell_ring(*(int *)arg);
    return NULL;
}

static void test_bell(void **state) {
    (void)state;
    int bell, error;
    pthread_t thread;
    uint32_t calls;
    fh_uring_done done;
    fh_uring *r = ring_new(0);
    fh_assert_ok(fh_os_bell_open(&bell, &error));
    fh_assert_ok(fh_uring_bell(r, bell, 1));
    fh_assert_ok(fh_uring_wait(r, 0, &calls));
    assert_int_equal(pthread_create(&thread, NULL, ring_bell, &bell), 0);
    assert_int_equal(pthread_join(thread, NULL), 0); /* before the wait: Valgrind stops all threads while one is in this call */
    done = wait_for_one(r);
    fh_assert_ok(done.status);
    assert_int_equal(done.key, 1);
    fh_assert_ok(fh_uring_bell(r, bell, 2)); /* it does not ring any more */
    fh_assert_ok(fh_uring_wait(r, 1000000, &calls));
    assert_false(fh_uring_next(r, &done));
    fh_os_bell_ring(bell);
    assert_int_equal(wait_for_one(r).key, 2);
    (void)close(bell);
    fh_uring_close(r);
}

typedef struct other {
    fh_uring *r;
    fh_status status;
} other;

static void *wait_elsewhere(void *arg) {
    other *o = arg;
    uint32_t calls;
    o->status = fh_uring_wait(o->r, 0, &calls);
    return NULL;
}

/* A promise of one thread is kept by the kernel, where it knows how. */
static void test_one_thread(void **state) {
    (void)state;
    uint32_t calls;
    for (size_t k = 0; k < KINDS; k++) {
        pthread_t thread;
        other o = {.r = ring_new(k)};
        fh_assert_ok(fh_uring_wait(o.r, 0, &calls));
        assert_int_equal(pthread_create(&thread, NULL, wait_elsewhere, &o), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        fh_assert_code(o.status, fh_uring_about_get(o.r).is_deferred ? FH_INVALID : FH_OK);
        fh_uring_close(o.r);
    }
}

static void close_early(void *arg) {
    (void)arg;
    static uint8_t room[8];
    fh_uring *r = ring_new(0);
    uint32_t calls;
    fh_assert_ok(fh_uring_receive_into(r, pair_new().here, (fh_mspan){room, sizeof room}, true, 1));
    fh_assert_ok(fh_uring_wait(r, 0, &calls));
    fh_uring_close(r);
}

/* A ring that ends while the kernel may still write is a programmer's error. */
static void test_close_early(void **state) {
    (void)state;
    fh_uring_close(ring_new(0));
    fh_assert_dies(close_early, NULL, "under_way == 0");
}

static void lend_wrong(void *arg) {
    static uint8_t room[8];
    fh_uring_lend(ring_new(0), FH_URING_BUFFERS, (fh_mspan){room, *(size_t *)arg});
}

static void test_lend_wrong(void **state) {
    (void)state;
    size_t size = 8;
    fh_uring_close(ring_new(0));
    fh_assert_dies(lend_wrong, &size, "number < FH_URING_BUFFERS");
}

/* --- kernels that refuse --------------------------------------------------------------------------------------- */

static void open_refused(void *arg) {
    int error = 0;
    fh_uring *r = NULL;
    if (!fh_seccomp_no_uring(*(int *)arg))
        _exit(3);
    fh_status s = fh_uring_open((fh_uring_options){.one_thread = true}, &r, &error);
    _exit(s.code == FH_UNSUPPORTED && error == *(int *)arg && r == NULL ? 0 : 1);
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        int error;
        const char *part;
    } cases[] = {{EPERM, "EPERM"}, {ENOSYS, "ENOSYS"}, {ENOMEM, "ENOMEM"}, {EINVAL, "5.19"}};
    fh_test_skip_on_valgrind("has no filters of system calls");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char said[256];
        int error = cases[i].error, rc = fh_test_child(open_refused, &error, said, sizeof said);
        if (WIFEXITED(rc) && WEXITSTATUS(rc) == 3)
            fh_test_skip("this kernel has no seccomp filters");
        assert_int_equal(rc, 0);
        assert_non_null(strstr(fh_uring_refusal(error), cases[i].part));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_about),      cmocka_unit_test(test_lent),       cmocka_unit_test(test_room),
        cmocka_unit_test(test_send),       cmocka_unit_test(test_full),       cmocka_unit_test(test_accept),
        cmocka_unit_test(test_bell),       cmocka_unit_test(test_one_thread), cmocka_unit_test(test_close_early),
        cmocka_unit_test(test_lend_wrong), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
