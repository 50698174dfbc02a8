/* test_wait.c: sleeping until a word changes: no wake is lost, no wait is entered too late, naps last. */
#define _GNU_SOURCE 1
#include "fh_test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "freehold/atomic.h"
#include "freehold/os.h"

/* A word that holds something else already is not waited for. */
static void test_changed_before(void **state) {
    (void)state;
    uint32_t word = 7;
    errno = 77;
    fh_os_wait(&word, 6); /* would never end */
    fh_os_wake(&word, 1);
    fh_os_wake(&word, UINT32_MAX); /* nobody sleeps there */
    fh_os_nap(1);
    assert_int_equal(errno, 77);
    assert_int_equal(word, 7);
}

typedef struct turns {
    uint32_t word; /* even: the first thread's turn; odd: the second's */
    uint32_t parity;
    uint32_t until;
} turns;

static void *take_turns(void *arg) {
    turns *t = arg;
    uint32_t parity = fh_fetch_add(&t->parity, 1, FH_RELAXED);
    for (uint32_t seen; (seen = fh_load(&t->word, FH_ACQUIRE)) < t->until;) {
        if ((seen & 1) != parity) {
            fh_os_wait(&t->word, seen);
            continue;
        }
        fh_store(&t->word, seen + 1, FH_RELEASE);
        fh_os_wake(&t->word, 1);
    }
    return NULL;
}

/* Two threads that wake each other in turn get to the end. */
static void test_wake(void **state) {
    (void)state;
    turns t = {.until = 2000};
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, take_turns, &t), 0);
    take_turns(&t);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_int_equal(t.word, t.until);
}

static void *wait_for_one(void *arg) {
    uint32_t *word = arg;
    while (fh_load(word, FH_ACQUIRE) == 0)
        fh_os_wait(word, 0);
    return NULL;
}

/* One call wakes all sleepers. */
static void test_wake_all(void **state) {
    enum { SLEEPERS = 4 };
    (void)state;
    pthread_t threads[SLEEPERS];
    uint32_t word = 0;
    for (size_t i = 0; i < SLEEPERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_one, &word), 0);
    fh_os_nap(50000000); /* they sleep by now */
    fh_store(&word, 1, FH_RELEASE);
    fh_os_wake(&word, UINT32_MAX);
    for (size_t i = 0; i < SLEEPERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* A sleep with a time ends by it, by a wake, or at once. */
static void test_wait_for(void **state) {
    (void)state;
    turns t = {.until = 2};
    pthread_t other;
    uint64_t start = fh_os_clock_ns();
    errno = 77;
    fh_os_wait_for(&t.word, 1, UINT64_C(3600000000000)); /* it holds another number */
    for (uint64_t waited = 0; waited < 2000000; waited = fh_os_clock_ns() - start)
        fh_os_wait_for(&t.word, 0, 2000000);
    assert_int_equal(errno, 77);
    t.parity = 1; /* this thread is the first; the other one's turn is the second */
    assert_int_equal(pthread_create(&other, NULL, take_turns, &t), 0);
    fh_store(&t.word, 1, FH_RELEASE);
    fh_os_wake(&t.word, 1);
    while (fh_load(&t.word, FH_ACQUIRE) == 1)
        fh_os_wait_for(&t.word, 1, UINT64_C(3600000000000));
    assert_int_equal(pthread_join(other, NULL), 0);
}

static void nothing(int number) {
    (void)number;
}

typedef struct sleeper {
    uint32_t word, over;
} sleeper;

static void *sleep_until_signal(void *arg) {
    sleeper *s = arg;
    bool interrupted = false;
    while (!interrupted && fh_load(&s->word, FH_ACQUIRE) == 0)
        interrupted = fh_os_wait(&s->word, 0);
    fh_store(&s->over, 1, FH_RELEASE);
    return interrupted ? arg : NULL;
}

/* A signal ends a wait, and that is told, also where its handler has calls begin anew. */
static void test_signal(void **state) {
    (void)state;
    static const int flags[] = {0, SA_RESTART};
    for (int i = 0; i < 2; i++) {
        struct sigaction to = {.sa_handler = nothing, .sa_flags = flags[i]}, before;
        sleeper s = {0};
        pthread_t other;
        void *found;
        assert_int_equal(sigaction(SIGUSR1, &to, &before), 0);
        assert_int_equal(pthread_create(&other, NULL, sleep_until_signal, &s), 0);
        for (int n = 0; n < 2000 && fh_load(&s.over, FH_ACQUIRE) == 0; n++) { /* one may come before it sleeps */
            assert_int_equal(pthread_kill(other, SIGUSR1), 0);
            fh_os_nap(1000000);
        }
        fh_store(&s.word, 1, FH_RELEASE);
        fh_os_wake(&s.word, 1);
        assert_int_equal(pthread_join(other, &found), 0);
        assert_ptr_equal(found, &s);
        assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    }
}

static void test_nap(void **state) {
    (void)state;
    uint64_t start = fh_os_clock_ns();
    fh_os_nap(1000000);
    assert_true(fh_os_clock_ns() - start >= 1000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changed_before),
        cmocka_unit_test(test_wake),
        cmocka_unit_test(test_wake_all),
        cmocka_unit_test(test_wait_for),
        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_nap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
