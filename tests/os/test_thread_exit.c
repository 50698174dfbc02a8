/* test_thread_exit.c: what is done when a thread ends: in order, once, not when removed, and never beside its removal. */
#include "fh_test.h"

#include <pthread.h>

#include "freehold/atomic.h"
#include "freehold/os.h"

typedef struct entry {
    fh_os_exit exit; /* first: fn gets its address */
    int number;
} entry;

static int log_[8];
static uint32_t logged;

static void note(fh_os_exit *e) {
    log_[fh_fetch_add(&logged, 1, FH_RELAXED)] = ((entry *)e)->number;
}

static void on_a_thread(void *(*fn)(void *), void *arg) {
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, fn, arg), 0);
    assert_int_equal(pthread_join(t, NULL), 0);
}

static void *adds_three(void *arg) {
    entry *e = arg;
    for (int i = 0; i < 3; i++)
        if (fh_failed(fh_os_exit_add(&e[i].exit)))
            e[i].number = -1;
    return NULL;
}

static void *leaves_early(void *arg) {
    (void)adds_three(arg);
    pthread_exit(NULL);
}

static void test_order(void **state) {
    (void)state;
    void *(*const ways[])(void *) = {adds_three, leaves_early};
    for (int way = 0; way < 2; way++) {
        entry e[3] = {{{note, NULL, NULL}, 1}, {{note, NULL, NULL}, 2}, {{note, NULL, NULL}, 3}};
        logged = 0;
        on_a_thread(ways[way], e);
        assert_int_equal(logged, 3);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(log_[i], 3 - i); /* the latest first */
            assert_null(e[i].exit.link);
            fh_os_exit_remove(&e[i].exit); /* on no list any more */
        }
    }
}

static void *adds_three_removes_one(void *arg) {
    entry *e = arg;
    (void)adds_three(e);
    fh_os_exit_remove(&e[1].exit);
    return NULL;
}

static void *adds_and_removes_all(void *arg) {
    entry *e = arg;
    (void)adds_three(e);
    fh_os_exit_remove(&e[0].exit);
    fh_os_exit_remove(&e[2].exit);
    fh_os_exit_remove(&e[1].exit);
    fh_os_exit_remove(&e[1].exit);
    return NULL;
}

static void test_removed(void **state) {
    (void)state;
    entry e[3] = {{{note, NULL, NULL}, 1}, {{note, NULL, NULL}, 2}, {{note, NULL, NULL}, 3}};
    logged = 0;
    on_a_thread(adds_three_removes_one, e);
    assert_true(logged == 2 && log_[0] == 3 && log_[1] == 1);
    logged = 0;
    on_a_thread(adds_and_removes_all, e);
    assert_int_equal(logged, 0);
}

/* A thread ends while another removes its entry: either fn ran, or it never will; its storage goes right after. */
typedef struct racing {
    fh_os_exit exit;
    uint32_t added, ran, over;
} racing;

static void ran(fh_os_exit *self) {
    racing *r = (racing *)self;
    if (fh_load(&r->over, FH_ACQUIRE))
        fh_store(&r->ran, 2, FH_RELAXED); /* late */
    else
        fh_store(&r->ran, 1, FH_RELAXED);
}

static void *ends_soon(void *arg) {
    racing *r = arg;
    if (!fh_failed(fh_os_exit_add(&r->exit)))
        fh_store(&r->added, 1, FH_RELEASE);
    return NULL;
}

static void test_racing(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    int each[2] = {0, 0};
    for (int i = 0; i < 300; i++) {
        racing *r = fh_alloc(a, 1, sizeof *r);
        assert_non_null(r);
        r->exit.fn = ran;
        pthread_t t;
        assert_int_equal(pthread_create(&t, NULL, ends_soon, r), 0);
        while (!fh_load(&r->added, FH_ACQUIRE))
            fh_pause();
        fh_os_exit_remove(&r->exit);
        fh_store(&r->over, 1, FH_RELEASE);
        uint32_t how = fh_load(&r->ran, FH_RELAXED);
        assert_int_equal(pthread_join(t, NULL), 0);
        assert_int_equal(fh_load(&r->ran, FH_RELAXED), how);
        each[how]++;
        fh_free(a, r);
    }
    assert_int_equal(each[0] + each[1], 300);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_removed),
        FH_TEST_ALLOC(test_racing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
