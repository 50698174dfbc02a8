/* test_quiesce.c: reclamation by quiescent states, step by step, against a model, and between threads, in domains with fences
 * and with barriers. Runs under ThreadSanitizer. */
#include "fh_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "freehold/quiesce.h"

/* Something that can be retired; it knows how often it was ended. */
typedef struct thing {
    fh_retired retired;
    unsigned ended;
} thing;

static void end_thing(void *ctx) {
    thing *t = ctx;
    t->ended++;
}

static fh_quiesce *new_domain(fh_allocator *a, uint32_t members_max, bool sections) {
    fh_quiesce *q = NULL;
    fh_assert_ok(fh_quiesce_new(a, &(fh_quiesce_options){.members_max = members_max, .sections = sections}, &q));
    return q;
}

static fh_quiesce_member *join(fh_quiesce *q) {
    fh_quiesce_member *m = NULL;
    fh_assert_ok(fh_quiesce_join(q, &m));
    return m;
}

static void retire(fh_quiesce_member *m, thing *t) {
    fh_assert_ok(fh_quiesce_retire(m, &t->retired, end_thing, t));
}

static void check(const fh_quiesce *q, uint64_t retired, uint64_t ended) {
    fh_err err = {0};
    fh_quiesce_stats stats = fh_quiesce_stats_get(q);
    if (fh_failed(fh_quiesce_check(q, &err)))
        fail_msg("%s", err.message);
    assert_int_equal(stats.retired, retired);
    assert_int_equal(stats.ended, ended);
}

static void test_bad_options(void **state) {
    fh_quiesce *q = (fh_quiesce *)state;
    static const fh_quiesce_options bad[] = {{.members_max = 0}, {.members_max = FH_QUIESCE_MEMBERS_MAX + 1}};
    for (size_t i = 0; i < 2; i++)
        fh_assert_code(fh_quiesce_new(fh_test_allocator(state), &bad[i], &q), FH_INVALID);
    assert_null(q);
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).allocs, 0);
    fh_quiesce_free(NULL);
}

static void test_members(void **state) {
    fh_quiesce *q = new_domain(fh_test_allocator(state), 2, false);
    assert_true(fh_quiesce_fences(q));
    fh_quiesce_member *a = join(q), *b = join(q), *c = a, *none = NULL;
    fh_assert_code(fh_quiesce_join(q, &c), FH_EXHAUSTED);
    assert_null(c);
    fh_quiesce_stats stats = fh_quiesce_stats_get(q);
    assert_true(stats.members == 2 && stats.online == 2 && stats.behind == 0 && stats.epoch == 1);
    fh_quiesce_offline(b);
    stats = fh_quiesce_stats_get(q);
    assert_true(stats.members == 2 && stats.online == 1);
    fh_quiesce_leave(&b);
    assert_null(b);
    c = join(q);
    fh_quiesce_leave(&c);
    fh_quiesce_leave(&a);
    fh_quiesce_leave(&none);
    check(q, 0, 0);
    fh_quiesce_free(q);
}

/* One thread plays several members: who is online is waited for, until it says that it holds nothing. */
static void test_grace(void **state) {
    fh_quiesce *q = new_domain(fh_test_allocator(state), 4, false);
    fh_quiesce_member *w = join(q), *r = join(q), *idle = join(q);
    thing x = {.ended = 0}, y = {.ended = 0};
    fh_quiesce_offline(idle);
    retire(w, &x);
    assert_int_equal(fh_quiesce_waiting(w), 1);
    for (int i = 0; i < 3; i++) {
        fh_quiesce_here(w);
        assert_int_equal(x.ended, 0);
        check(q, 1, 0);
    }
    assert_int_equal(fh_quiesce_stats_get(q).behind, 1); /* r: w has said since that it knows */
    fh_quiesce_here(r);
    assert_int_equal(x.ended, 0); /* it is w's to end */
    retire(w, &y);                /* comes after r's quiescent point */
    fh_quiesce_here(w);
    assert_int_equal(x.ended, 1);
    assert_int_equal(y.ended, 0);
    fh_quiesce_here(w);
    assert_int_equal(y.ended, 0);
    fh_quiesce_offline(r);
    fh_quiesce_here(w);
    assert_int_equal(y.ended, 1);
    assert_int_equal(fh_quiesce_waiting(w), 0);
    check(q, 2, 2);

    /* Who comes online after the batch was closed is not waited for. */
    retire(w, &x);
    fh_quiesce_online(r);
    fh_quiesce_here(w);
    assert_int_equal(x.ended, 1);
    fh_quiesce_online(idle);
    fh_quiesce_offline(r);
    fh_quiesce_here(w);
    assert_int_equal(x.ended, 2);
    check(q, 3, 3);
    fh_quiesce_leave(&w);
    fh_quiesce_leave(&r);
    fh_quiesce_leave(&idle);
    fh_quiesce_free(q);
}

/* A quiescent point does not bring an offline member online. */
static void test_offline_here(void **state) {
    fh_quiesce *q = new_domain(fh_test_allocator(state), 2, false);
    fh_quiesce_member *w = join(q), *r = join(q);
    thing x = {.ended = 0};
    fh_quiesce_offline(r);
    fh_quiesce_here(r);
    assert_int_equal(fh_quiesce_stats_get(q).online, 1);
    retire(w, &x);
    fh_quiesce_here(w);
    assert_int_equal(x.ended, 1);
    fh_quiesce_leave(&w);
    fh_quiesce_leave(&r);
    fh_quiesce_free(q);
}

static void test_retired_twice(void **state) {
    fh_quiesce *q = new_domain(fh_test_allocator(state), 2, false);
    fh_quiesce_member *w = join(q), *r = join(q);
    thing x = {.ended = 0};
    fh_assert_code(fh_quiesce_retire(w, &x.retired, NULL, NULL), FH_INVALID);
    retire(w, &x);
    fh_assert_code(fh_quiesce_retire(w, &x.retired, end_thing, &x), FH_INVALID);
    fh_assert_code(fh_quiesce_retire(r, &x.retired, end_thing, &x), FH_INVALID);
    fh_quiesce_here(w);
    fh_assert_code(fh_quiesce_retire(r, &x.retired, end_thing, &x), FH_INVALID);
    fh_quiesce_offline(r);
    fh_quiesce_here(w);
    assert_int_equal(x.ended, 1);
    retire(w, &x); /* once ended, it may be used again */
    fh_quiesce_here(w);
    assert_int_equal(x.ended, 2);
    check(q, 2, 2);
    fh_quiesce_leave(&w);
    fh_quiesce_leave(&r);
    fh_quiesce_free(q);
}

typedef struct chain {
    fh_retired retired;
    fh_quiesce_member *member;
    unsigned left;
} chain;

/* Retires itself again from its own end, and asks for more work there. */
static void end_link(void *ctx) {
    chain *c = ctx;
    if (c->left-- > 1 && fh_failed(fh_quiesce_retire(c->member, &c->retired, end_link, c)))
        c->left = 1000;
    fh_quiesce_here(c->member);
}

static void test_end_retires(void **state) {
    fh_quiesce *q = new_domain(fh_test_allocator(state), 1, false);
    chain c = {.member = join(q), .left = 5};
    fh_assert_ok(fh_quiesce_retire(c.member, &c.retired, end_link, &c));
    for (unsigned left = 5; left > 0; left--) {
        assert_int_equal(c.left, left);
        fh_quiesce_here(c.member);
        fh_assert_ok(fh_quiesce_check(q, NULL));
    }
    assert_int_equal(c.left, 0);
    assert_int_equal(fh_quiesce_waiting(c.member), 0);
    fh_quiesce_leave(&c.member);
    fh_quiesce_free(q);
}

/* What a member leaves behind is ended by another one, by one that comes later, or with the domain. */
static void test_hand_over(void **state) {
    fh_quiesce *q = new_domain(fh_test_allocator(state), 3, false);
    fh_quiesce_member *w = join(q), *r = join(q), *heir = join(q);
    thing x[4] = {{.ended = 0}};
    retire(w, &x[0]);
    fh_quiesce_here(w); /* closed, r and heir are behind */
    retire(w, &x[1]);   /* fresh */
    fh_quiesce_leave(&w);
    check(q, 2, 0);
    fh_quiesce_here(heir);
    assert_int_equal(fh_quiesce_waiting(heir), 2);
    check(q, 2, 0);
    assert_int_equal(x[0].ended + x[1].ended, 0); /* r was there before */
    fh_quiesce_here(r);
    fh_quiesce_here(heir);
    assert_true(x[0].ended == 1 && x[1].ended == 1);
    retire(heir, &x[2]);
    fh_quiesce_leave(&heir);
    retire(r, &x[3]);
    fh_quiesce_leave(&r);
    check(q, 4, 2);
    w = join(q);
    fh_quiesce_here(w);
    assert_true(x[2].ended == 1 && x[3].ended == 1);
    retire(w, &x[0]);
    fh_quiesce_leave(&w);
    check(q, 5, 4);
    fh_quiesce_free(q);
    assert_int_equal(x[0].ended, 2);
}

static void free_joined(void *arg) {
    fh_quiesce *q = new_domain(arg, 1, false);
    (void)join(q);
    fh_quiesce_free(q);
}

static void leave_within(void *ctx) {
    fh_quiesce_member **m = ctx;
    fh_quiesce_leave(m);
}

static void leave_in_an_end(void *arg) {
    fh_quiesce *q = new_domain(arg, 1, false);
    fh_quiesce_member *m = join(q);
    static fh_retired r;
    fh_assert_ok(fh_quiesce_retire(m, &r, leave_within, &m));
    fh_quiesce_here(m);
}

static void test_misuse(void **state) {
    (void)state;
    fh_assert_dies(free_joined, fh_heap(), "->taken, FH_ACQUIRE) == 0");
    fh_assert_dies(leave_in_an_end, fh_heap(), "!m->collecting");
}

static void test_check(void **state) {
    fh_quiesce *q = new_domain(fh_test_allocator(state), 2, false);
    fh_quiesce_member *m = join(q);
    thing x = {.ended = 0};
    fh_err err = {0};
    retire(m, &x);
    uint64_t *words[] = {&m->seen, &m->waiting, &m->batch_epoch};
    for (size_t i = 0; i < 3; i++) {
        *words[i] += 2;
        fh_err_clear(&err);
        fh_assert_code(fh_quiesce_check(q, &err), FH_CORRUPT);
        fh_assert_err(&err, FH_CORRUPT, "member 0");
        *words[i] -= 2;
    }
    m->retired++;
    fh_err_clear(&err);
    fh_assert_code(fh_quiesce_check(q, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "2 retired, 0 ended, 1 waiting");
    m->retired--;
    x.retired.end = NULL;
    fh_assert_code(fh_quiesce_check(q, NULL), FH_CORRUPT);
    x.retired.end = end_thing;
    check(q, 1, 0);
    fh_quiesce_leave(&m);
    fh_quiesce_free(q);
}

static fh_status body(fh_allocator *a, void *arg) {
    fh_quiesce *q;
    (void)arg;
    FH_TRY(fh_quiesce_new(a, &(fh_quiesce_options){.members_max = 3, .sections = true}, &q));
    fh_quiesce_free(q);
    return FH_DONE;
}

static void test_without_memory(void **state) {
    assert_int_equal(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL), 1);
}

/* --- against a model -------------------------------------------------------------------------------------------------- */

enum { MEMBERS = 4, THINGS = 32 };

/* For each thing that is retired, the members that could still hold it: those that were online when it was retired, less those
 * that have been quiescent since. It may be ended once there are none, and not before; and never twice. */
static void test_random(void **state) {
    static thing things[THINGS];
    fh_quiesce_member *m[MEMBERS] = {NULL};
    bool online[MEMBERS] = {false};
    uint32_t holders[THINGS] = {0};
    unsigned retired[THINGS] = {0};
    uint64_t total = 0, ended = 0;
    fh_test_rng rng = fh_test_rng_new(5);
    fh_quiesce *q = new_domain(fh_test_allocator(state), MEMBERS, true);
    for (size_t i = 0; i < THINGS; i++)
        things[i] = (thing){.ended = 0};
    for (uint64_t n = fh_test_ops(); n > 0; n--) {
        size_t i = (size_t)fh_test_rng_below(&rng, MEMBERS), t = (size_t)fh_test_rng_below(&rng, THINGS);
        uint64_t what = fh_test_rng_below(&rng, 16);
        bool quiescent = false;
        if (m[i] == NULL) {
            m[i] = join(q);
            online[i] = true;
        } else if (what < 5) {
            bool is_waiting = retired[t] > things[t].ended;
            fh_assert_code(fh_quiesce_retire(m[i], &things[t].retired, end_thing, &things[t]), is_waiting ? FH_INVALID : FH_OK);
            if (!is_waiting) {
                retired[t]++;
                total++;
                holders[t] = 0;
                for (size_t k = 0; k < MEMBERS; k++)
                    holders[t] |= (uint32_t)online[k] << k;
            }
        } else if (what < 10) {
            fh_quiesce_here(m[i]);
            quiescent = true;
        } else if (what < 12) {
            fh_quiesce_offline(m[i]);
            quiescent = true;
            online[i] = false;
        } else if (what < 14) {
            fh_quiesce_online(m[i]);
            quiescent = online[i] = true;
        } else if (what == 14) {
            fh_quiesce_leave(&m[i]);
            quiescent = true;
            online[i] = false;
        }
        ended = 0;
        for (size_t k = 0; k < THINGS; k++) {
            holders[k] &= quiescent ? ~(UINT32_C(1) << i) : ~UINT32_C(0);
            ended += things[k].ended;
            assert_true(things[k].ended <= retired[k] && (things[k].ended < retired[k] || holders[k] == 0));
        }
        check(q, total, ended);
    }
    assert_true(ended > fh_test_ops() / 100);
    for (size_t i = 0; i < MEMBERS; i++)
        fh_quiesce_leave(&m[i]);
    fh_quiesce_free(q);
    for (size_t t = 0; t < THINGS; t++)
        assert_int_equal(things[t].ended, retired[t]);
}

/* --- threads ---------------------------------------------------------------------------------------------------------- */

static void *join_and_end(void *arg) {
    fh_quiesce *q = arg;
    fh_quiesce_member *m;
    static thing x;
    return fh_failed(fh_quiesce_join(q, &m)) || fh_failed(fh_quiesce_retire(m, &x.retired, end_thing, &x)) ? NULL : &x;
}

/* A thread that ends without a word has left, and what it retired is ended by others. */
static void test_thread_ends(void **state) {
    fh_quiesce *q = new_domain(fh_test_allocator(state), 2, false);
    fh_quiesce_member *m = join(q);
    pthread_t thread;
    void *result = NULL;
    assert_int_equal(pthread_create(&thread, NULL, join_and_end, q), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_non_null(result);
    thing *x = result;
    assert_int_equal(fh_quiesce_stats_get(q).members, 1);
    assert_int_equal(x->ended, 0);
    fh_quiesce_here(m);
    assert_int_equal(x->ended, 1);
    check(q, 1, 1);
    fh_quiesce_leave(&m);
    fh_quiesce_free(q);
}

enum { READERS = 2, SWAPS = 3000, READS = 2000 };

typedef struct object {
    fh_retired retired;
    fh_allocator *allocator;
    uint64_t word, same;
} object;

typedef struct scene {
    fh_quiesce *q;
    object *shared;
    bool sections;
    atomic_bool over;
    atomic_uint done;
} scene;

static void free_object(void *ctx) {
    object *o = ctx;
    fh_allocator *a = o->allocator;
    o->word = 1; /* a read that is not ordered before this is a race */
    o->same = 2;
    fh_free(a, o);
}

/* Looks at the shared object again and again: promising quiescent points, or in sections. */
static void *read_along(void *arg) {
    scene *s = arg;
    fh_quiesce_member *me;
    if (fh_failed(fh_quiesce_join(s->q, &me)))
        return NULL;
    if (s->sections)
        fh_quiesce_offline(me);
    bool ok = true;
    for (unsigned n = 1; ok && !atomic_load(&s->over); n++) {
        if (s->sections)
            fh_quiesce_online(me);
        const object *o = fh_load(&s->shared, FH_ACQUIRE);
        uint64_t word = o->word;
        if (n % 64 == 0)
            sched_yield(); /* holding it */
        ok = word == o->same && word > 2;
        if (s->sections)
            fh_quiesce_offline(me);
        else if (n % 8 == 0)
            fh_quiesce_here(me);
        if (n == READS)
            atomic_fetch_add(&s->done, 1);
    }
    if (!ok)
        atomic_fetch_add(&s->done, READERS);
    return ok ? arg : NULL; /* the end of the thread leaves */
}

static object *new_object(fh_allocator *a, uint64_t word) {
    object *o = fh_alloc(a, 1, sizeof *o);
    assert_non_null(o);
    *o = (object){.allocator = a, .word = word, .same = word};
    return o;
}

static void swap_along(void **state, bool sections) {
    fh_allocator *a = fh_test_allocator(state);
    scene s = {.q = new_domain(a, READERS + 1, sections), .shared = new_object(a, 3), .sections = sections};
    fh_quiesce_member *me = join(s.q);
    pthread_t threads[READERS];
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_along, &s), 0);
    uint64_t swaps = 0;
    for (; swaps < SWAPS || atomic_load(&s.done) < READERS; swaps++) {
        object *old = fh_exchange(&s.shared, new_object(a, swaps + 4), FH_ACQ_REL);
        fh_assert_ok(fh_quiesce_retire(me, &old->retired, free_object, old));
        fh_quiesce_here(me);
        if (swaps % 16 == 0)
            sched_yield();
    }
    atomic_store(&s.over, true);
    for (size_t i = 0; i < READERS; i++) {
        void *ok = NULL;
        assert_int_equal(pthread_join(threads[i], &ok), 0);
        assert_non_null(ok);
    }
    fh_quiesce_here(me);
    fh_quiesce_here(me);
    check(s.q, swaps, swaps);
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).live, 2); /* the domain and the last object */
    fh_quiesce_leave(&me);
    fh_quiesce_free(s.q);
    fh_free(a, s.shared);
}

static void test_points(void **state) {
    swap_along(state, false);
}

static void test_sections(void **state) {
    swap_along(state, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_bad_options),  FH_TEST_ALLOC(test_members),       FH_TEST_ALLOC(test_grace),
        FH_TEST_ALLOC(test_offline_here), FH_TEST_ALLOC(test_retired_twice), FH_TEST_ALLOC(test_end_retires),
        FH_TEST_ALLOC(test_hand_over),    FH_TEST_ALLOC(test_misuse),        FH_TEST_ALLOC(test_check),
        FH_TEST_ALLOC(test_random),       FH_TEST_ALLOC(test_thread_ends),   FH_TEST_ALLOC(test_without_memory),
        FH_TEST_ALLOC(test_points),       FH_TEST_ALLOC(test_sections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
