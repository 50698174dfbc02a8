/* test_fd.c: descriptors: ends, closed pipes, signals, and descriptors that do not block. */
#define _GNU_SOURCE 1

#include "fh_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "freehold/os.h"

typedef struct pipe_ends {
    int from, to;
} pipe_ends;

static pipe_ends new_pipe(int flags) {
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | flags), 0);
    return (pipe_ends){ends[0], ends[1]};
}

enum { MANY = 300000 }; /* more than a pipe holds */

static void *write_many(void *arg) {
    uint8_t *bytes = malloc(MANY);
    if (bytes == NULL)
        return NULL;
    for (size_t i = 0; i < MANY; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 256);
    fh_status s = fh_os_write(*(int *)arg, (fh_span){bytes, MANY});
    free(bytes);
    (void)close(*(int *)arg);
    return fh_failed(s) ? NULL : arg;
}

static void read_many(int flags) {
    pipe_ends p = new_pipe(flags);
    pthread_t thread;
    uint8_t part[7000];
    size_t total = 0, got = 0;
    assert_int_equal(pthread_create(&thread, NULL, write_many, &p.to), 0);
    do {
        fh_assert_ok(fh_os_read(p.from, (fh_mspan){part, sizeof part}, &got));
        for (size_t i = 0; i < got; i++)
            assert_int_equal(part[i], (uint8_t)((total + i) * 31 + (total + i) / 256));
        total += got;
    } while (got > 0);
    assert_int_equal(total, MANY);
    void *ok = NULL;
    assert_int_equal(pthread_join(thread, &ok), 0);
    assert_non_null(ok);
    (void)close(p.from);
}

static void test_all_bytes_pass(void **state) {
    (void)state;
    read_many(0);
    read_many(O_NONBLOCK); /* behaves as if it blocked */
}

static void test_nothing(void **state) {
    (void)state;
    size_t got = 9;
    fh_assert_ok(fh_os_write(-1, (fh_span){NULL, 0}));
    fh_assert_ok(fh_os_read(-1, (fh_mspan){NULL, 0}, &got));
    assert_int_equal(got, 0);
}

static void test_bad_descriptor(void **state) {
    (void)state;
    uint8_t byte = 0;
    size_t got = 9;
    fh_assert_code(fh_os_read(-1, (fh_mspan){&byte, 1}, &got), FH_IO);
    assert_int_equal(got, 0);
    fh_assert_code(fh_os_write(-1, FH_LIT("x")), FH_IO);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC); /* a full disk is no listener that went away */
    if (full >= 0) {
        fh_assert_code(fh_os_write(full, FH_LIT("x")), FH_IO);
        (void)close(full);
    }
    assert_false(fh_os_is_terminal(-1));
}

static void test_terminal(void **state) {
    (void)state;
    pipe_ends p = new_pipe(0);
    assert_false(fh_os_is_terminal(p.from));
    (void)close(p.from);
    (void)close(p.to);
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0)
        fh_test_skip("there are no pseudo-terminals here");
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0);
    assert_true(fh_os_is_terminal(terminal));
    (void)close(terminal);
    (void)close(master);
}

/* Runs in a child with the default action of SIGPIPE, which would end it. */
static void write_to_closed(void *arg) {
    (void)arg;
    pipe_ends p = new_pipe(0);
    sigset_t pending, mask;
    (void)signal(SIGPIPE, SIG_DFL);
    (void)close(p.from);
    for (int i = 0; i < 3; i++)
        if (fh_os_write(p.to, FH_LIT("x")).code != FH_END)
            _exit(1);
    if (sigpending(&pending) != 0 || sigismember(&pending, SIGPIPE))
        _exit(2); /* nothing may stay behind */
    if (pthread_sigmask(SIG_BLOCK, NULL, &mask) != 0 || sigismember(&mask, SIGPIPE))
        _exit(3);
    _exit(42);
}

/* A SIGPIPE that was pending before belongs to somebody else. */
static void write_with_one_pending(void *arg) {
    (void)arg;
    pipe_ends p = new_pipe(0);
    sigset_t pipe_only, pending;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_only, NULL);
    (void)raise(SIGPIPE);
    (void)close(p.from);
    if (fh_os_write(p.to, FH_LIT("x")).code != FH_END)
        _exit(1);
    if (sigpending(&pending) != 0 || !sigismember(&pending, SIGPIPE))
        _exit(2);
    _exit(42);
}

static void nothing(int sig) {
    (void)sig;
}

/* A signal that is no interrupt does not end a read. */
static void read_through_alarm(void *arg) {
    (void)arg;
    pipe_ends p = new_pipe(0);
    struct sigaction ignore = {.sa_handler = nothing};
    (void)sigaction(SIGALRM, &ignore, NULL);
    const struct itimerval often = {{0, 5000}, {0, 5000}};
    (void)setitimer(ITIMER_REAL, &often, NULL);
    if (fork() == 0) {
        (void)usleep(100000);
        (void)!write(p.to, "y", 1);
        _exit(0);
    }
    uint8_t byte = 0;
    size_t got = 0;
    if (fh_os_read(p.from, (fh_mspan){&byte, 1}, &got).code != FH_OK || got != 1 || byte != 'y')
        _exit(1);
    _exit(42);
}

/* A counted interrupt ends a waiting read; the next read waits again. `arg` is the descriptor's flags. */
static void read_interrupted(void *arg) {
    pipe_ends p = new_pipe(*(int *)arg);
    fh_os_interrupt_watch();
    pid_t parent = getpid();
    if (fork() == 0) {
        (void)usleep(100000);
        (void)kill(parent, SIGINT);
        (void)usleep(100000);
        (void)!write(p.to, "z", 1);
        _exit(0);
    }
    uint8_t byte = 0;
    size_t got = 9;
    if (fh_os_read(p.from, (fh_mspan){&byte, 1}, &got).code != FH_CANCELED || got != 0 || fh_os_interrupts() != 1)
        _exit(1);
    if (fh_os_read(p.from, (fh_mspan){&byte, 1}, &got).code != FH_OK || got != 1 || byte != 'z')
        _exit(2);
    _exit(42);
}

static void test_signals(void **state) {
    (void)state;
    int blocking = 0, non_blocking = O_NONBLOCK;
    const struct {
        void (*fn)(void *arg);
        void *arg;
    } rows[] = {
        {write_to_closed, NULL},        {write_with_one_pending, NULL},     {read_through_alarm, NULL},
        {read_interrupted, &blocking}, {read_interrupted, &non_blocking},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char said[1024];
        int status = fh_test_child(rows[i].fn, rows[i].arg, said, sizeof said);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 42)
            fail_msg("row %zu: status 0x%x %s", i, (unsigned)status, said);
    }
}

/* What is opened later gets none of the numbers of standard streams, and these are as good as closed. */
static void start_without_streams(void *arg) {
    (void)arg;
    uint8_t byte;
    size_t got;
    (void)close(0);
    (void)close(1);
    if (fh_failed(fh_os_hold_streams()) || open("/dev/null", O_RDWR | O_CLOEXEC) <= 2)
        _exit(1);
    if (fh_os_read(0, (fh_mspan){&byte, 1}, &got).code != FH_IO || fh_os_write(1, FH_LIT("x")).code != FH_IO)
        _exit(2);
    _exit(fh_failed(fh_os_write(2, FH_LIT("said"))) ? 3 : 42); /* a stream that was there stays */
}

static void test_missing_streams(void **state) {
    (void)state;
    char said[1024];
    int status = fh_test_child(start_without_streams, NULL, said, sizeof said);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 42)
        fail_msg("status 0x%x %s", (unsigned)status, said);
    assert_string_equal(said, "said");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_bytes_pass), cmocka_unit_test(test_nothing), cmocka_unit_test(test_bad_descriptor),
        cmocka_unit_test(test_terminal),       cmocka_unit_test(test_signals),
        cmocka_unit_test(test_missing_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
