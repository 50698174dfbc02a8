/* test_pool_views.c: views of pools that many threads use: coming and going, threads that end, growth beside look-ups. */
#include "pool_test.h"

#include <pthread.h>

#include "mem/pool/pool_views.h"

static const fh_pool_threads kinds[] = {FH_POOL_SHARED, FH_POOL_SHARED_BORROW};

static fh_pool *new_pool(fh_allocator *a, fh_pool_threads kind, uint32_t capacity, uint32_t max_capacity) {
    fh_pool *pool = NULL;
    fh_pool_config c = {.size_bytes = 64, .capacity = capacity, .max_capacity = max_capacity, .threads = kind};
    c.growth.kind = max_capacity > capacity ? FH_GROW_EXPONENTIAL : FH_GROW_NONE;
    fh_assert_ok(fh_pool_new(a, &c, &pool));
    return pool;
}

static void on_a_thread(void *(*fn)(void *), void *arg) {
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, fn, arg), 0);
    assert_int_equal(pthread_join(t, NULL), 0);
}

/* --- coming and going --------------------------------------------------------------------------------------------- */

static void test_coming_and_going(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (int k = 0; k < 2; k++) {
        fh_pool *pool = new_pool(a, kinds[k], 8, 8), *views[FH_VIEWS_MAX], *none = pool;
        fh_handle h, live;
        const void *at;
        void *mine;
        for (int i = 1; i < FH_VIEWS_MAX; i++)
            views[i] = attach(pool);
        fh_assert_ok(fh_pool_alloc(views[3], &live, NULL));
        fh_assert_ok(fh_pool_alloc(views[3], &h, NULL));
        fh_assert_ok(fh_pool_release(views[3], h));
        fh_assert_code(fh_pool_attach(pool, &none), FH_LIMIT);
        assert_null(none);
        fh_assert_ok(fh_pool_detach(views[7]));
        fh_assert_ok(fh_pool_detach(views[3]));
        /* An idle view is nobody's. */
        fh_assert_code(fh_pool_alloc(views[3], &h, NULL), FH_WRONG_THREAD);
        fh_assert_code(fh_pool_get(views[3], live, &mine), FH_WRONG_THREAD);
        fh_assert_code(fh_pool_borrow(views[3], h, &at), FH_WRONG_THREAD);
        fh_assert_code(fh_pool_detach(views[3]), FH_WRONG_THREAD);
        fh_pool_adopt(views[3]); /* nor does it change hands so */
        fh_assert_code(fh_pool_reap(views[3]), FH_WRONG_THREAD);
        assert_ptr_equal(attach(views[9]), views[3]); /* by any view, the first idle one */
        fh_assert_ok(fh_pool_reap(views[3]));
        for (int i = 1; i < FH_VIEWS_MAX; i++)
            if (i != 7)
                fh_assert_ok(fh_pool_detach(views[i]));
        fh_assert_ok(fh_pool_detach(pool)); /* the maker's own, too */
        assert_ptr_equal(attach(pool), pool);
        assert_int_equal(fh_pool_stats_get(pool).wrong_threads, 6);
        check(pool);
        fh_pool_free(pool);
    }
    fh_pool *confined = new_pool(a, FH_POOL_CONFINED, 8, 8), *view = confined;
    fh_assert_code(fh_pool_attach(confined, &view), FH_UNSUPPORTED);
    assert_null(view);
    fh_assert_code(fh_pool_detach(confined), FH_UNSUPPORTED);
    fh_pool_free(confined);
}

/* What several threads hand each other in these tests. */
typedef struct parcel {
    fh_allocator *allocator;
    fh_pool_threads kind;
    fh_pool *pool, *view;
    fh_handle h;
    fh_code code;
    uint32_t go, stage;
} parcel;

static void *uses_it(void *arg) {
    parcel *p = arg;
    const void *at;
    p->code = fh_pool_borrow(p->view, p->h, &at).code;
    if (p->code == FH_WRONG_THREAD)
        p->code = fh_pool_release(p->view, p->h).code;
    fh_handle h;
    if (p->code == FH_WRONG_THREAD)
        p->code = fh_pool_alloc(p->view, &h, NULL).code;
    return NULL;
}

/* A view is its thread's alone. */
static void test_other_thread(void **state) {
    for (int k = 0; k < 2; k++) {
        parcel p = {.kind = kinds[k], .pool = new_pool(fh_test_allocator(state), kinds[k], 8, 8)};
        p.view = attach(p.pool);
        fh_handle more;
        fh_assert_ok(fh_pool_alloc(p.view, &p.h, NULL));
        fh_assert_ok(fh_pool_alloc(p.view, &more, NULL));
        fh_assert_ok(fh_pool_release(p.view, more)); /* what another thread could take by mistake */
        on_a_thread(uses_it, &p);
        assert_int_equal(p.code, FH_WRONG_THREAD);
        assert_int_equal(fh_pool_stats_get(p.pool).wrong_threads, 3);
        fh_assert_ok(fh_pool_release(p.view, p.h));
        fh_assert_code(fh_pool_reset(p.pool), FH_BORROWED); /* somebody else has a view */
        fh_assert_ok(fh_pool_detach(p.view));
        fh_assert_ok(fh_pool_reset(p.pool));
        fh_pool_free(p.pool);
    }
}

static void *allocs_and_ends(void *arg) {
    parcel *p = arg;
    fh_handle more;
    bool ok = !fh_failed(fh_pool_attach(p->pool, &p->view)) && !fh_failed(fh_pool_alloc(p->view, &p->h, NULL)) &&
              !fh_failed(fh_pool_alloc(p->view, &more, NULL)) && !fh_failed(fh_pool_release(p->view, more));
    p->code = ok ? FH_OK : FH_INVALID;
    return NULL; /* without a detach */
}

/* The end of a thread detaches its view; the next thread gets it with all that it has. */
static void test_thread_ends(void **state) {
    for (int k = 0; k < 2; k++) {
        parcel p = {.pool = new_pool(fh_test_allocator(state), kinds[k], 8, 8)};
        for (int round = 0; round < 4; round++) {
            fh_pool *before = p.view;
            on_a_thread(allocs_and_ends, &p);
            assert_int_equal(p.code, FH_OK);
            assert_true(round == 0 || p.view == before);
            fh_assert_code(fh_pool_reap(p.view), FH_WRONG_THREAD);
            assert_int_equal(fh_pool_stats_get(p.pool).live, 1);
            fh_assert_ok(fh_pool_release(p.pool, p.h)); /* it outlives the thread, and anybody may release it */
            fh_assert_code(fh_pool_release(p.pool, p.h), FH_DOUBLE_FREE);
            assert_int_equal(fh_pool_stats_get(p.pool).live, 0);
            check(p.pool);
        }
        assert_true(fh_pool_stats_get(p.pool).peak <= 4);
        fh_pool_free(p.pool);
    }
}

/* A view that another thread has taken over is not detached with the thread that it had before. */
static void *attaches(void *arg) {
    parcel *p = arg;
    p->code = fh_pool_attach(p->pool, &p->view).code;
    fh_store(&p->stage, 1, FH_RELEASE);
    while (!fh_load(&p->go, FH_ACQUIRE))
        fh_os_nap(100000);
    return NULL;
}

static void test_view_changes_hands(void **state) {
    for (int k = 0; k < 2; k++) {
        parcel p = {.pool = new_pool(fh_test_allocator(state), kinds[k], 8, 8)};
        pthread_t t;
        assert_int_equal(pthread_create(&t, NULL, attaches, &p), 0);
        while (!fh_load(&p.stage, FH_ACQUIRE))
            fh_os_nap(100000);
        assert_int_equal(p.code, FH_OK);
        fh_pool_adopt(p.view);
        fh_store(&p.go, 1, FH_RELEASE);
        assert_int_equal(pthread_join(t, NULL), 0);
        fh_assert_ok(fh_pool_alloc(p.view, &p.h, NULL));
        fh_assert_ok(fh_pool_release(p.view, p.h));
        fh_assert_ok(fh_pool_detach(p.view));
        fh_pool_free(p.pool);
    }
}

static void *makes_a_pool(void *arg) {
    parcel *p = arg;
    fh_pool_config c = {.size_bytes = 64, .capacity = 8, .threads = p->kind};
    p->code = fh_pool_new(p->allocator, &c, &p->pool).code;
    if (p->code == FH_OK)
        p->code = fh_pool_alloc(p->pool, &p->h, NULL).code;
    return NULL;
}

static void test_maker_ends(void **state) {
    for (int k = 0; k < 4; k++) {
        parcel p = {.allocator = fh_test_allocator(state), .kind = kinds[k % 2]};
        on_a_thread(makes_a_pool, &p);
        assert_int_equal(p.code, FH_OK);
        fh_handle h;
        fh_assert_code(fh_pool_alloc(p.pool, &h, NULL), FH_WRONG_THREAD);
        if (k < 2) {
            assert_ptr_equal(attach(p.pool), p.pool);
            fh_assert_ok(fh_pool_release(p.pool, p.h));
        }
        fh_pool_free(p.pool); /* from here, also without having attached */
    }
}

static void *stays_longer(void *arg) {
    parcel *p = arg;
    p->code = fh_pool_attach(p->pool, &p->view).code;
    if (p->code == FH_OK)
        p->code = fh_pool_detach(p->view).code;
    fh_store(&p->stage, 1, FH_RELEASE);
    while (!fh_load(&p->go, FH_ACQUIRE))
        fh_os_nap(100000);
    return NULL;
}

/* A pool ends while a thread that once had a view lives on: nothing of the pool is touched when that thread ends. */
static void test_pool_ends_first(void **state) {
    for (int k = 0; k < 2; k++) {
        parcel p = {.pool = new_pool(fh_test_allocator(state), kinds[k], 8, 8)};
        pthread_t t;
        assert_int_equal(pthread_create(&t, NULL, stays_longer, &p), 0);
        while (!fh_load(&p.stage, FH_ACQUIRE))
            fh_os_nap(100000);
        assert_int_equal(p.code, FH_OK);
        fh_pool_free(p.pool);
        fh_store(&p.go, 1, FH_RELEASE);
        assert_int_equal(pthread_join(t, NULL), 0);
    }
}

static void frees_with_a_view(void *arg) {
    parcel *p = arg;
    fh_pool *pool = new_pool(p->allocator, p->kind, 8, 8);
    (void)attach(pool);
    fh_pool_free(pool);
}

static void test_free_with_a_view(void **state) {
    fh_test_skip_on_valgrind("death tests");
    for (int k = 0; k < 2; k++) {
        parcel p = {.allocator = fh_test_allocator(state), .kind = kinds[k]};
        fh_assert_dies(frees_with_a_view, &p, "is_alone");
    }
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static fh_status whole_life(fh_allocator *a, void *arg) {
    const fh_pool_threads *kind = arg;
    fh_pool_config c = {.size_bytes = 4096, .capacity = 2, .max_capacity = 64, .growth = {.kind = FH_GROW_LINEAR, .slots = 8},
                        .threads = *kind};
    fh_pool *pool, *view = NULL;
    fh_handle h[24];
    FH_TRY(fh_pool_new(a, &c, &pool));
    fh_status s = fh_pool_attach(pool, &view);
    unsigned count = 0;
    while (!fh_failed(s) && count < 24) {
        s = fh_pool_alloc(pool, &h[count], NULL);
        count += !fh_failed(s);
    }
    fh_err err;
    fh_err_clear(&err);
    for (unsigned i = 0; i < count; i++) { /* a release that is refused for lack of memory changes nothing */
        fh_status one = fh_pool_release(view, h[i]);
        s = fh_failed(s) ? s : one;
        if (fh_failed(one))
            fh_assert_ok(fh_pool_release(pool, h[i]));
        fh_assert_code(fh_pool_release(pool, h[i]), FH_DOUBLE_FREE);
    }
    assert_int_equal(fh_pool_stats_get(pool).live, 0);
    fh_status checked = fh_pool_check(pool, &err);
    if (fh_failed(checked) && checked.code != FH_NOMEM)
        fail_msg("%s", err.message);
    if (view != NULL)
        fh_assert_ok(fh_pool_detach(view));
    fh_pool_free(pool);
    return fh_failed(s) ? s : checked;
}

static void test_each_allocation_fails(void **state) {
    for (int k = 0; k < 2; k++) {
        fh_pool_threads kind = kinds[k];
        assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), whole_life, &kind) > 10);
    }
}

/* Slots of a range that a view has not used yet have no life, and the handle of generation 0 opens none of them. */
static void test_unused_slots(void **state) {
    for (int k = 0; k < 2; k++) {
        fh_pool *pool = new_pool(fh_test_allocator(state), kinds[k], 1024, 1024), *view = attach(pool);
        fh_handle h, other;
        fh_assert_ok(fh_pool_alloc(pool, &h, NULL));
        fh_assert_ok(fh_pool_alloc(view, &other, NULL)); /* lies behind the rest of the first view's range */
        fh_assert_ok(fh_pool_reap(view));
        fh_assert_code(fh_pool_release(view, (fh_handle){(h.value & ~(uint64_t)UINT32_MAX) | FH_POOL_INDEX}), FH_WRONG_POOL);
        assert_true((uint32_t)other.value > (uint32_t)h.value + 1);
        for (uint32_t i = (uint32_t)h.value + 1; i < (uint32_t)other.value + 2; i++) {
            fh_handle forged[] = {{i}, {(h.value & ~(uint64_t)UINT32_MAX) | i}};
            for (int f = 0; f < 2 && i != (uint32_t)other.value; f++) {
                const void *at = NULL;
                assert_true(fh_failed(fh_pool_borrow(pool, forged[f], &at)) && at == NULL);
                void *mine = NULL;
                assert_true(fh_failed(fh_pool_get(pool, forged[f], &mine)) && mine == NULL);
                assert_true(fh_failed(fh_pool_release(view, forged[f])));
            }
        }
        fh_assert_ok(fh_pool_detach(view));
        check(pool);
        fh_pool_free(pool);
    }
}

/* --- growth beside look-ups --------------------------------------------------------------------------------------- */

enum { GROWN = 3000, LOOKERS = 2 };

typedef struct growing {
    fh_pool *pool;
    bool is_borrowing;
    fh_handle handles[GROWN];
    uint32_t published, failures;
} growing;

static void *looks_up(void *arg) {
    growing *g = arg;
    fh_pool *view = NULL;
    uint32_t seen = 0, failures = fh_failed(fh_pool_attach(g->pool, &view));
    while (seen < GROWN && failures == 0) {
        uint32_t now = fh_load(&g->published, FH_ACQUIRE);
        if (now == seen)
            fh_pause();
        for (; seen < now; seen++) {
            fh_handle got = {0};
            void *at = NULL;
            if (g->is_borrowing)
                failures += fh_failed(fh_pool_load(view, g->handles[seen], (fh_mspan){(uint8_t *)&got, sizeof got}));
            else if (!fh_failed(fh_pool_get(view, g->handles[seen], &at)))
                got = *(fh_handle *)at;
            failures += got.value != g->handles[seen].value;
        }
    }
    failures += fh_failed(fh_pool_detach(view));
    fh_fetch_add(&g->failures, failures, FH_RELAXED);
    return NULL;
}

static void test_growth_beside_look_ups(void **state) {
    for (int k = 0; k < 2; k++) {
        growing *g = fh_alloc(fh_test_allocator(state), 1, sizeof *g);
        assert_non_null(g);
        g->pool = new_pool(fh_test_allocator(state), kinds[k], 1, GROWN);
        g->is_borrowing = kinds[k] == FH_POOL_SHARED_BORROW;
        pthread_t threads[LOOKERS];
        for (int i = 0; i < LOOKERS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, looks_up, g), 0);
        for (uint32_t i = 0; i < GROWN; i++) {
            void *at;
            fh_assert_ok(fh_pool_alloc(g->pool, &g->handles[i], &at));
            *(fh_handle *)at = g->handles[i];
            fh_store(&g->published, i + 1, FH_RELEASE);
        }
        for (int i = 0; i < LOOKERS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(g->failures, 0);
        assert_true(fh_pool_stats_get(g->pool).growths >= 11);
        check(g->pool);
        fh_pool_free(g->pool);
        fh_free(fh_test_allocator(state), g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_coming_and_going),
        FH_TEST_ALLOC(test_other_thread),
        FH_TEST_ALLOC(test_thread_ends),
        FH_TEST_ALLOC(test_view_changes_hands),
        FH_TEST_ALLOC(test_maker_ends),
        FH_TEST_ALLOC(test_pool_ends_first),
        FH_TEST_ALLOC(test_free_with_a_view),
        FH_TEST_ALLOC(test_each_allocation_fails),
        FH_TEST_ALLOC(test_unused_slots),
        FH_TEST_ALLOC(test_growth_beside_look_ups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
