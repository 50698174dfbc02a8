/* test_team.c: every part runs exactly once, on any number of threads, however busy the machine. Runs under ThreadSanitizer. */
#define _GNU_SOURCE 1

#include "fh_test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "freehold/os.h"
#include "os/float.h"

enum { THREADS_MAX = 256 };

static const unsigned widths[] = {1, 2, 3, 4, 7, 16, 64};
enum { WIDTHS = sizeof widths / sizeof widths[0] };

static fh_team *new_team(unsigned threads) {
    fh_team *team = NULL;
    fh_assert_ok(fh_team_new(threads, &team));
    return team;
}

/* What one job leaves behind. No field is atomic: the team itself must order these accesses. */
typedef struct job {
    uint64_t number, seen[THREADS_MAX];
    unsigned calls[THREADS_MAX], parts[THREADS_MAX];
    pthread_t ran_on[THREADS_MAX];
} job;

static void note(void *arg, unsigned part, unsigned parts) {
    job *j = arg;
    j->calls[part]++;
    j->parts[part] = parts;
    j->seen[part] = j->number;
    j->ran_on[part] = pthread_self();
}

static void test_each_part_once(void **state) {
    (void)state;
    static job j;
    for (size_t w = 0; w < WIDTHS; w++) {
        unsigned width = widths[w];
        fh_team *team = new_team(width);
        const fh_par *par = fh_team_par(team);
        assert_int_equal(par->width, width);
        for (uint64_t number = 1; number <= 3000; number++) {
            memset(&j, 0, sizeof j);
            j.number = number;
            fh_par_run(par, note, &j);
            for (unsigned part = 0; part < width; part++) {
                assert_int_equal(j.calls[part], 1);
                assert_int_equal(j.parts[part], width);
                assert_true(j.seen[part] == number);
            }
            assert_true(pthread_equal(j.ran_on[0], pthread_self())); /* the caller is part 0 */
        }
        fh_team_free(team);
    }
}

/* Jobs of different functions and arguments back to back, some so short that workers come late. */
static void add_share(void *arg, unsigned part, unsigned parts) {
    fh_u64s *s = arg;
    fh_range r = fh_par_share(s->count, part, parts);
    for (size_t i = r.from; i < r.to; i++)
        *fh_u64s_at(*s, i) += i;
}

static void double_share(void *arg, unsigned part, unsigned parts) {
    fh_u64s *s = arg;
    fh_range r = fh_par_share(s->count, part, parts);
    for (size_t i = r.from; i < r.to; i++)
        *fh_u64s_at(*s, i) *= 2;
}

static void test_jobs_in_order(void **state) {
    (void)state;
    static uint64_t numbers[257];
    fh_test_rng rng = fh_test_rng_new(6);
    for (size_t w = 0; w < WIDTHS; w++) {
        fh_team *team = new_team(widths[w]);
        for (int round = 0; round < 300; round++) {
            fh_u64s s = {numbers, fh_test_rng_below(&rng, 257)};
            memset(numbers, 0, sizeof numbers);
            for (int step = 0; step < 3; step++) {
                fh_par_run(fh_team_par(team), add_share, &s);
                fh_par_run(fh_team_par(team), double_share, &s);
            }
            for (size_t i = 0; i < s.count; i++)
                assert_true(numbers[i] == 14 * i);
        }
        fh_team_free(team);
    }
}

typedef struct meeting {
    atomic_uint arrived;
    unsigned parts;
} meeting;

/* Returns only when all parts are inside at the same time. */
static void meet(void *arg, unsigned part, unsigned parts) {
    meeting *m = arg;
    (void)part;
    atomic_fetch_add(&m->arrived, 1);
    while (atomic_load(&m->arrived) < parts)
        (void)sched_yield();
}

static void test_parts_run_together(void **state) {
    (void)state;
    for (size_t w = 0; w < WIDTHS; w++) {
        fh_team *team = new_team(widths[w]);
        for (int i = 0; i < 20; i++) {
            meeting m = {0, 0};
            fh_par_run(fh_team_par(team), meet, &m);
            assert_int_equal(atomic_load(&m.arrived), widths[w]);
        }
        fh_team_free(team);
    }
}

/* --- workers that do not run ------------------------------------------------------------------------------------------ */

static atomic_bool captives_may_go;
static atomic_uint captives;

/* Keeps the thread it interrupts, as a scheduler does that has put a thread aside. */
static void hold(int sig) {
    (void)sig;
    atomic_fetch_add(&captives, 1);
    while (!atomic_load(&captives_may_go))
        (void)sched_yield();
    atomic_fetch_sub(&captives, 1);
}

static void note_and_meet(void *arg, unsigned part, unsigned parts) {
    static meeting m;
    if (arg == NULL) { /* begins the meeting anew */
        atomic_store(&m.arrived, 0);
        return;
    }
    note(arg, part, parts);
    meet(&m, part, parts);
}

/* The caller runs the parts of workers that do not come. */
static void test_caller_helps(void **state) {
    (void)state;
    fh_test_skip_on_valgrind("loses count of system calls when a signal's handler makes one in the middle of another");
    enum { WIDTH = 4 };
    static job j;
    struct sigaction holding = {.sa_handler = hold}, before;
    assert_int_equal(sigaction(SIGTRAP, &holding, &before), 0); /* a signal that workers do not block */
    fh_team *team = new_team(WIDTH);
    for (int round = 0; round < 20; round++) {
        pthread_t workers[WIDTH];
        memset(&j, 0, sizeof j);
        note_and_meet(NULL, 0, 0);
        fh_par_run(fh_team_par(team), note_and_meet, &j); /* finds out who the workers are */
        memcpy(workers, j.ran_on, sizeof workers);

        atomic_store(&captives_may_go, false);
        for (size_t i = 1; i < WIDTH; i++)
            assert_int_equal(pthread_kill(workers[i], SIGTRAP), 0);
        while (atomic_load(&captives) < WIDTH - 1)
            (void)sched_yield();
        for (uint64_t number = 1; number <= 100; number++) {
            memset(&j, 0, sizeof j);
            j.number = number;
            fh_par_run(fh_team_par(team), note, &j);
            for (unsigned part = 0; part < WIDTH; part++) {
                assert_true(j.calls[part] == 1 && j.seen[part] == number);
                assert_true(pthread_equal(j.ran_on[part], pthread_self()));
            }
        }
        atomic_store(&captives_may_go, true);
        while (atomic_load(&captives) > 0)
            (void)sched_yield();
    }
    fh_team_free(team);
    assert_int_equal(sigaction(SIGTRAP, &before, NULL), 0);
}

/* Workers that have gone to sleep are woken. */
static void test_workers_sleep(void **state) {
    (void)state;
    static job j;
    fh_team *team = new_team(4);
    for (int i = 0; i < 20; i++) {
        (void)usleep(2000); /* far longer than a worker spins */
        memset(&j, 0, sizeof j);
        note_and_meet(NULL, 0, 0);
        fh_par_run(fh_team_par(team), note_and_meet, &j); /* returns only if all came */
        for (unsigned part = 0; part < 4; part++)
            assert_int_equal(j.calls[part], 1);
    }
    fh_team_free(team);
}

/* A part that takes long: the caller sleeps and is woken. */
static void last_is_slow(void *arg, unsigned part, unsigned parts) {
    meeting *m = arg;
    meet(m, part, parts);
    if (part == parts - 1)
        (void)usleep(20000);
    atomic_fetch_add(&m->arrived, 1);
}

static void test_caller_waits(void **state) {
    (void)state;
    for (size_t w = 1; w < WIDTHS; w++) {
        fh_team *team = new_team(widths[w]);
        for (int i = 0; i < 3; i++) {
            meeting m = {0, 0};
            fh_par_run(fh_team_par(team), last_is_slow, &m);
            assert_int_equal(atomic_load(&m.arrived), 2 * widths[w]);
        }
        fh_team_free(team);
    }
}

/* --- the state of each thread ----------------------------------------------------------------------------------------- */

/* Flush-to-zero on: the opposite of the fixed state. */
#if defined(__aarch64__)
#define FLOAT_OTHER (UINT64_C(1) << 24)
#else
#define FLOAT_OTHER UINT32_C(0x9fc0)
#endif

typedef struct thread_state {
    unsigned parts;
    bool float_fixed[THREADS_MAX], blocks_int[THREADS_MAX], blocks_bus[THREADS_MAX];
    atomic_uint arrived;
    pthread_t caller;
} thread_state;

static void look(void *arg, unsigned part, unsigned parts) {
    thread_state *t = arg;
    sigset_t mask;
    t->float_fixed[part] = fh_float_read() == FH_FLOAT_FIXED;
    (void)pthread_sigmask(SIG_BLOCK, NULL, &mask);
    bool worker = !pthread_equal(pthread_self(), t->caller);
    t->blocks_int[part] = sigismember(&mask, SIGINT) == worker && sigismember(&mask, SIGTERM) == worker;
    t->blocks_bus[part] = sigismember(&mask, SIGBUS) != 0 || sigismember(&mask, SIGSEGV) != 0;
    atomic_fetch_add(&t->arrived, 1);
    while (atomic_load(&t->arrived) < parts) /* so that every thread has a part */
        (void)sched_yield();
}

static void test_thread_state(void **state) {
    (void)state;
    fh_test_skip_on_valgrind("has no flush-to-zero");
    thread_state t = {.caller = pthread_self()};
    fh_float_state before = fh_float_read();
    fh_float_write(FLOAT_OTHER);
    fh_team *team = new_team(4); /* workers must not inherit what their maker has */
    fh_par_run(fh_team_par(team), look, &t);
    assert_true(fh_float_read() == FLOAT_OTHER); /* the caller has its own state back */
    fh_float_write(before);
    fh_team_free(team);
    for (unsigned part = 0; part < 4; part++) {
        assert_true(t.float_fixed[part]);
        assert_true(t.blocks_int[part]);
        assert_false(t.blocks_bus[part]);
    }
}

static void test_float_state(void **state) {
    (void)state;
    fh_test_skip_on_valgrind("has no flush-to-zero");
    fh_float_state before = fh_float_read();
    fh_float_write(FLOAT_OTHER);
    fh_os_float_state();
    assert_true(fh_float_read() == FH_FLOAT_FIXED);
    volatile float tiny = 1e-38f, half = 0.5f;
    assert_true(tiny * half * half > 0); /* below the smallest normal number, and not flushed */
    fh_float_write(before);
}

/* --- life ------------------------------------------------------------------------------------------------------------- */

static void test_life(void **state) {
    (void)state;
    fh_team *team = (fh_team *)&team;
    fh_assert_code(fh_team_new(257, &team), FH_INVALID);
    assert_null(team);
    fh_team_free(NULL);

    fh_assert_ok(fh_team_new(0, &team));
    assert_int_equal(fh_team_par(team)->width, fh_os_cpus() < 256 ? fh_os_cpus() : 256);
    fh_team_free(team);
    fh_assert_ok(fh_team_new(256, &team));
    fh_team_free(team);

    static job j;
    for (int i = 0; i < 200; i++) { /* ended before, while and after the workers begin */
        team = new_team(1 + (unsigned)i % 5);
        for (int k = 0; k < i % 3; k++)
            fh_par_run(fh_team_par(team), note, &j);
        fh_team_free(team);
    }
}

static void *use_team(void *arg) {
    static job j;
    j.number = 3;
    fh_par_run(arg, note, &j);
    return j.seen[1] == 3 ? arg : NULL;
}

/* The caller may be another thread from job to job. */
static void test_callers_take_turns(void **state) {
    (void)state;
    fh_team *team = new_team(3);
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        void *ok = NULL;
        fh_par par = *fh_team_par(team);
        assert_int_equal(pthread_create(&thread, NULL, use_team, &par), 0);
        assert_int_equal(pthread_join(thread, &ok), 0);
        assert_non_null(ok);
    }
    fh_team_free(team);
}

static void nest(void *arg, unsigned part, unsigned parts) {
    static job j;
    (void)parts;
    if (part == 0)
        fh_par_run(fh_team_par(arg), note, &j);
}

static void run_nested(void *arg) {
    fh_team *team;
    (void)arg;
    if (!fh_failed(fh_team_new(2, &team)))
        fh_par_run(fh_team_par(team), nest, team);
}

static void test_nesting_is_refused(void **state) {
    (void)state;
    fh_assert_dies(run_nested, NULL, "running");
}

/* Threads that cannot be started are a status, and those that were started end. */
static void start_too_many(void *arg) {
    (void)arg;
    struct rlimit limit = {256 << 20, 256 << 20};
    fh_team *team = (fh_team *)&limit;
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        _exit(1);
    if (fh_team_new(256, &team).code != FH_NOMEM || team != NULL) /* 256 stacks of 8 MiB */
        _exit(2);
    _exit(42);
}

static void test_no_threads(void **state) {
    (void)state;
    fh_test_skip_on_valgrind("needs address space of its own");
#ifdef FH_TEST_SANITIZED
    fh_test_skip("a sanitizer reserves more address space than the limit");
#endif
    struct rlimit stack;
    if (getrlimit(RLIMIT_STACK, &stack) != 0 || stack.rlim_cur < (2 << 20))
        fh_test_skip("stacks are small here, so no limit on address space stops a thread");
    char said[1024];
    int status = fh_test_child(start_too_many, NULL, said, sizeof said);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_part_once),     cmocka_unit_test(test_jobs_in_order),
        cmocka_unit_test(test_caller_helps),       cmocka_unit_test(test_workers_sleep),
        cmocka_unit_test(test_parts_run_together), cmocka_unit_test(test_caller_waits),
        cmocka_unit_test(test_thread_state),       cmocka_unit_test(test_float_state),
        cmocka_unit_test(test_life),               cmocka_unit_test(test_callers_take_turns),
        cmocka_unit_test(test_nesting_is_refused), cmocka_unit_test(test_no_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
