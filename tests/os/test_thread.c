/* test_thread.c: a thread of its own: it runs, without signals, and is waited for (thread.c). */
#define _GNU_SOURCE 1
#include <signal.h>

#include "fh_test.h"
#include "freehold/atomic.h"
#include "freehold/os.h"

typedef struct place {
    uint32_t word;
    bool blocked, faults;
} place;

static void run(void *ctx) {
    place *p = ctx;
    sigset_t mask = {0};
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    p->blocked = sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGTERM) == 1;
    p->faults = sigismember(&mask, SIGBUS) == 0 && sigismember(&mask, SIGSEGV) == 0;
    fh_store(&p->word, 1, FH_RELEASE);
    fh_os_wake(&p->word, 1);
    while (fh_load(&p->word, FH_ACQUIRE) != 2)
        fh_os_wait(&p->word, 1);
}

static void test_runs(void **state) {
    (void)state;
    place p = {0};
    fh_os_thread *t;
    sigset_t before = {0}, after = {0}; /* the system writes some of their bytes only */
    (void)pthread_sigmask(SIG_SETMASK, NULL, &before);
    fh_assert_ok(fh_os_thread_start(run, &p, &t));
    (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_memory_equal(&before, &after, sizeof before);
    while (fh_load(&p.word, FH_ACQUIRE) == 0)
        fh_os_wait(&p.word, 0);
    fh_store(&p.word, 2, FH_RELEASE);
    fh_os_wake(&p.word, 1);
    fh_os_thread_join(t);
    assert_true(p.blocked && p.faults);
    fh_os_thread_join(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_runs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
