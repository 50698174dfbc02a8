/* test_barrier.c: a barrier in every thread of the process, against the processor's own reordering. */
#include "fh_test.h"

#include <pthread.h>
#include <sched.h>

#include "freehold/atomic.h"
#include "freehold/os.h"

static void test_enable(void **state) {
    (void)state;
    fh_status s = fh_os_barrier_enable();
    if (s.code == FH_UNSUPPORTED)
        fh_test_skip("the system has no membarrier");
    fh_assert_ok(s);
    fh_assert_ok(fh_os_barrier_enable());
    fh_os_barrier_all();
}

enum { ROUNDS = 20000 };

typedef struct litmus {
    uint64_t x, y, seen_by_other, round, done;
} litmus;

/* y = 1, then x, with nothing between them but the compiler's order. */
static void *other(void *arg) {
    litmus *l = arg;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        while (fh_load(&l->round, FH_ACQUIRE) != round)
            sched_yield();
        fh_store(&l->y, 1, FH_RELAXED);
        fh_fence_compiler();
        fh_store(&l->seen_by_other, fh_load(&l->x, FH_RELAXED), FH_RELAXED);
        fh_store(&l->done, round, FH_RELEASE);
    }
    return NULL;
}

/* x = 1, then y, with the barrier between them: at least one side sees the other's. */
static void test_store_buffers(void **state) {
    (void)state;
    if (fh_failed(fh_os_barrier_enable()))
        fh_test_skip("the system has no membarrier");
    static litmus l;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, other, &l), 0);
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        fh_store(&l.x, 0, FH_RELAXED);
        fh_store(&l.y, 0, FH_RELAXED);
        fh_store(&l.round, round, FH_RELEASE);
        for (uint64_t wait = round % 64; wait > 0; wait--)
            fh_pause(); /* to meet at different moments */
        fh_store(&l.x, 1, FH_RELAXED);
        fh_os_barrier_all();
        uint64_t seen = fh_load(&l.y, FH_RELAXED);
        while (fh_load(&l.done, FH_ACQUIRE) != round)
            sched_yield();
        assert_true(seen + fh_load(&l.seen_by_other, FH_RELAXED) > 0);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_enable), cmocka_unit_test(test_store_buffers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
