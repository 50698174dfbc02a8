/* test_queue.c: the multi-producer single-consumer queue, by hand, against a model, and between threads. Runs under
 * ThreadSanitizer. */
#include "fh_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "freehold/queue.h"

typedef struct message {
    uint64_t from, number;
    fh_queue_node node; /* not the first member */
    atomic_bool away;
} message;

FH_QUEUE_DEFINE(message, message, node);

static void check(const fh_queue *q, size_t expected) {
    size_t count = 0;
    fh_err err = {0};
    fh_assert_ok(fh_queue_check(q, &count, &err));
    assert_int_equal(count, expected);
}

static void test_in_order(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_queue *q = fh_alloc(a, 1, sizeof *q);
    message *m = fh_alloc(a, 8, sizeof *m), *got = m;
    fh_queue_init(q);
    check(q, 0);
    fh_assert_code(message_pop(q, &got), FH_AGAIN);
    assert_null(got);
    for (size_t round = 0; round < 50; round++) {
        size_t count = round % 8 + 1;
        for (size_t i = 0; i < count; i++) {
            assert_false(fh_queue_has(&m[i].node));
            fh_assert_ok(message_push(q, &m[i]));
            assert_true(fh_queue_has(&m[i].node));
            check(q, i + 1);
        }
        for (size_t i = 0; i < count; i++) {
            fh_assert_ok(message_pop(q, &got));
            assert_ptr_equal(got, &m[i]);
            assert_false(fh_queue_has(&m[i].node));
            check(q, count - i - 1);
        }
        fh_assert_code(message_pop(q, &got), FH_AGAIN);
        assert_null(got);
        check(q, 0);
    }
    fh_free(a, m);
    fh_free(a, q);
}

/* A node in a queue is refused by every queue, wherever it stands, and the chain is not touched. */
static void test_pushed_twice(void **state) {
    (void)state;
    fh_queue q, other;
    message m[3] = {{0}}, *got;
    fh_queue_init(&q);
    fh_queue_init(&other);
    for (size_t i = 0; i < 3; i++) {
        fh_assert_ok(message_push(&q, &m[i]));
        for (size_t j = 0; j <= i; j++) {
            fh_assert_code(message_push(&q, &m[j]), FH_INVALID);
            fh_assert_code(message_push(&other, &m[j]), FH_INVALID);
            check(&q, i + 1);
            check(&other, 0);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        fh_assert_ok(message_pop(&q, &got));
        assert_ptr_equal(got, &m[i]);
        fh_assert_ok(message_push(&other, got));
    }
    check(&other, 3);
}

/* Random pushes and pops of 16 messages in 2 queues, against arrays. */
static void test_against_model(void **state) {
    (void)state;
    enum { MESSAGES = 16 };
    static fh_queue q[2];
    static message m[MESSAGES];
    size_t line[2][MESSAGES], count[2] = {0, 0}, where[MESSAGES] = {0}; /* where: 0 nowhere, else queue + 1 */
    fh_test_rng rng = fh_test_rng_new(3);
    fh_queue_init(&q[0]);
    fh_queue_init(&q[1]);
    for (uint64_t n = fh_test_ops() / 4; n > 0; n--) {
        size_t k = (size_t)fh_test_rng_below(&rng, 2), i = (size_t)fh_test_rng_below(&rng, MESSAGES);
        message *got;
        if (fh_test_rng_below(&rng, 2) == 0) {
            fh_assert_code(message_push(&q[k], &m[i]), where[i] == 0 ? FH_OK : FH_INVALID);
            if (where[i] == 0) {
                line[k][count[k]++] = i;
                where[i] = k + 1;
            }
        } else if (count[k] == 0) {
            fh_assert_code(message_pop(&q[k], &got), FH_AGAIN);
        } else {
            fh_assert_ok(message_pop(&q[k], &got));
            assert_ptr_equal(got, &m[line[k][0]]);
            where[line[k][0]] = 0;
            count[k]--;
            for (size_t j = 0; j < count[k]; j++)
                line[k][j] = line[k][j + 1];
        }
        check(&q[k], count[k]);
    }
}

static void test_check(void **state) {
    (void)state;
    fh_queue q;
    message m[2] = {{0}};
    fh_err err = {0};
    size_t count;
    fh_queue_init(&q);
    fh_assert_ok(message_push(&q, &m[0]));
    fh_assert_ok(message_push(&q, &m[1]));
    fh_queue_node *right = m[0].node.next;
    m[0].node.next = NULL;
    fh_assert_code(fh_queue_check(&q, &count, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "breaks off");
    m[0].node.next = &q.stub; /* a circle */
    fh_assert_code(fh_queue_check(&q, &count, NULL), FH_CORRUPT);
    m[0].node.next = &m[0].node; /* a gap: two pushes would be at work */
    fh_err_clear(&err);
    fh_assert_code(fh_queue_check(&q, &count, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "does not end");
    m[0].node.next = right;
    check(&q, 2);
}

/* --- threads ---------------------------------------------------------------------------------------------------------- */

static void *as_stranger(void *arg) {
    fh_queue *q = arg;
    message *got;
    bool ok = message_pop(q, &got).code == FH_WRONG_THREAD && got == NULL && fh_queue_leave(q).code == FH_WRONG_THREAD;
    return ok ? arg : NULL;
}

static void *as_successor(void *arg) {
    fh_queue *q = arg;
    message *got;
    return message_pop(q, &got).code == FH_OK && got->number == 7 && fh_queue_leave(q).code == FH_OK ? arg : NULL;
}

static void on_a_thread(void *(*fn)(void *), void *arg) {
    pthread_t thread;
    void *ok = NULL;
    assert_int_equal(pthread_create(&thread, NULL, fn, arg), 0);
    assert_int_equal(pthread_join(thread, &ok), 0);
    assert_non_null(ok);
}

static void test_one_consumer(void **state) {
    (void)state;
    fh_queue q;
    message m = {.number = 7}, *got;
    fh_queue_init(&q);
    fh_assert_code(fh_queue_leave(&q), FH_WRONG_THREAD);
    fh_assert_code(message_pop(&q, &got), FH_AGAIN);
    fh_assert_ok(message_push(&q, &m));
    on_a_thread(as_stranger, &q);
    fh_assert_ok(fh_queue_leave(&q));
    on_a_thread(as_successor, &q);
    fh_assert_code(message_pop(&q, &got), FH_AGAIN);
}

enum { PRODUCERS = 3, EACH = 20000, FLIGHT = 64 };

typedef struct crowd {
    fh_queue q;
    message m[PRODUCERS][FLIGHT];
    atomic_uint next;
} crowd;

/* Sends its messages round and round: each again when the consumer is done with it. */
static void *produce(void *arg) {
    crowd *c = arg;
    unsigned me = atomic_fetch_add(&c->next, 1);
    for (uint64_t n = 0; n < EACH;) {
        message *m = &c->m[me][n % FLIGHT];
        if (atomic_load_explicit(&m->away, memory_order_acquire)) {
            sched_yield();
            continue;
        }
        atomic_store_explicit(&m->away, true, memory_order_relaxed);
        m->from = me;
        m->number = n++;
        if (fh_failed(message_push(&c->q, m)))
            return NULL;
    }
    return arg;
}

static void test_many_producers(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    crowd *c = fh_alloc(a, 1, sizeof *c);
    pthread_t threads[PRODUCERS];
    uint64_t next[PRODUCERS] = {0};
    fh_queue_init(&c->q);
    for (size_t i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, produce, c), 0);
    for (uint64_t left = (uint64_t)PRODUCERS * EACH; left > 0;) {
        message *m;
        fh_status s = message_pop(&c->q, &m);
        if (s.code == FH_AGAIN) {
            sched_yield();
            continue;
        }
        fh_assert_ok(s);
        assert_true(m->from < PRODUCERS && m->number == next[m->from]); /* each producer's in its order */
        next[m->from]++;
        atomic_store_explicit(&m->away, false, memory_order_release);
        left--;
    }
    for (size_t i = 0; i < PRODUCERS; i++) {
        void *ok = NULL;
        assert_int_equal(pthread_join(threads[i], &ok), 0);
        assert_non_null(ok);
        assert_int_equal(next[i], EACH);
    }
    check(&c->q, 0);
    fh_free(a, c);
}

typedef struct duel {
    fh_queue q;
    message m;
    atomic_uint ready, won, round;
} duel;

enum { DUELS = 3000 };

static void *fight(void *arg) {
    duel *d = arg;
    for (unsigned round = 1; round <= DUELS; round++) {
        while (atomic_load(&d->round) != round)
            sched_yield();
        if (!fh_failed(message_push(&d->q, &d->m)))
            atomic_fetch_add(&d->won, 1);
        atomic_fetch_add(&d->ready, 1);
    }
    return arg;
}

/* Two threads push the same message at once: exactly one succeeds. */
static void test_racing_pushes(void **state) {
    (void)state;
    static duel d;
    pthread_t threads[2];
    fh_queue_init(&d.q);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fight, &d), 0);
    for (unsigned round = 1; round <= DUELS; round++) {
        message *got;
        atomic_store(&d.won, 0);
        atomic_store(&d.ready, 0);
        atomic_store(&d.round, round);
        while (atomic_load(&d.ready) != 2)
            sched_yield();
        assert_int_equal(atomic_load(&d.won), 1);
        fh_assert_ok(message_pop(&d.q, &got));
        assert_ptr_equal(got, &d.m);
        check(&d.q, 0);
    }
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_in_order),     FH_TEST_ALLOC(test_pushed_twice),   FH_TEST_ALLOC(test_against_model),
        FH_TEST_ALLOC(test_check),        FH_TEST_ALLOC(test_one_consumer),   FH_TEST_ALLOC(test_many_producers),
        FH_TEST_ALLOC(test_racing_pushes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
