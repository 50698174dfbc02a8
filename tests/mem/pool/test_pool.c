/* test_pool.c: lives of slots and uses of handles in a pool of one thread: each refusal by itself, hooks, borrows, counted
 * references, batches, threads, slots worn out. */
#include "pool_test.h"

#include <pthread.h>
#include <string.h>

typedef struct thing {
    uint64_t id;
    uint8_t rest[40];
} thing;

static fh_pool *new_pool(fh_allocator *a, uint32_t capacity) {
    return new_with(a, (fh_pool_config){.capacity = capacity});
}

static thing *the_thing(fh_pool *pool, fh_handle h) {
    return get(pool, h, FH_OK);
}

/* --- life ----------------------------------------------------------------------------------------------------------- */

static void test_life(void **state) {
    for (int eager = 0; eager < 2; eager++) {
        fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 3, .eager = eager});
        fh_handle h[3], none = {77};
        void *at = &at;
        for (size_t i = 0; i < 3; i++) {
            fh_assert_ok(fh_pool_alloc(pool, &h[i], &at));
            assert_true(h[i].value != 0);
            assert_ptr_equal(at, get(pool, h[i], FH_OK));
            assert_true(((thing *)at)->id == 0);
            ((thing *)at)->id = 10 + i;
        }
        fh_assert_code(fh_pool_alloc(pool, &none, &at), FH_EXHAUSTED);
        assert_true(none.value == 0 && at == NULL);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(the_thing(pool, h[i])->id, 10 + i);
        fh_assert_ok(fh_pool_release(pool, h[1]));
        fh_handle again = alloc_one(pool);
        assert_true(again.value != h[1].value);
        assert_int_equal(the_thing(pool, again)->id, eager ? 11 : 0); /* as the last life left it, or zero again */
        fh_pool_stats s = fh_pool_stats_get(pool);
        assert_true(s.live == 3 && s.capacity == 3 && s.peak == 3 && s.allocs == 4 && s.releases == 1 && s.retired == 0);
        assert_true(s.failures == 1);
        check(pool);
        fh_pool_free(pool); /* with live slots */
    }
    fh_pool_free(NULL);
}

/* Each refusal, distinct, and none of them changes anything. */
static void test_refusals(void **state) {
    for (int eager = 0; eager < 2; eager++) {
        fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 3, .eager = eager});
        fh_handle a = alloc_one(pool), b = alloc_one(pool), zero = {0};
        the_thing(pool, a)->id = 1;
        the_thing(pool, b)->id = 2;

        fh_assert_ok(fh_pool_release(pool, a));
        get(pool, a, FH_STALE);
        fh_assert_code(fh_pool_release(pool, a), FH_DOUBLE_FREE);
        fh_assert_code(fh_pool_release(pool, a), FH_DOUBLE_FREE);
        fh_handle c = alloc_one(pool); /* a's slot, another life */
        assert_int_equal((uint32_t)c.value, (uint32_t)a.value);
        get(pool, a, FH_STALE);
        fh_assert_code(fh_pool_release(pool, a), FH_STALE); /* would end somebody else's life */

        get(pool, zero, FH_STALE);
        fh_assert_code(fh_pool_release(pool, zero), FH_STALE);
        const fh_handle never[] = {
            {b.value + (UINT64_C(1) << 32)},  /* even generations: no handle has one */
            {b.value - (UINT64_C(1) << 32)},
            {c.value - (UINT64_C(1) << 32)},  /* what the slot had while it was free */
            {b.value + (UINT64_C(2) << 32)},  /* a life that is still to come */
            {b.value - (UINT64_C(2) << 32)},  /* a life before the first */
            {b.value & UINT32_MAX},           /* generation 0 */
            {2},                              /* the same, of a slot that was never used */
            {(b.value & ~(uint64_t)UINT32_MAX) | 2},
            {(b.value & ~(uint64_t)UINT32_MAX) | 3}, /* index past the capacity */
            {b.value | UINT32_MAX},
            {UINT64_MAX},
        };
        for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
            get(pool, never[i], FH_WRONG_POOL);
            fh_assert_code(fh_pool_release(pool, never[i]), FH_WRONG_POOL);
            fh_assert_code(fh_pool_borrow_mut_end(pool, never[i]), FH_WRONG_POOL);
        }
        assert_int_equal(the_thing(pool, b)->id, 2);
        fh_pool_stats s = fh_pool_stats_get(pool);
        assert_true(s.live == 2 && s.allocs == 3 && s.peak == 2 && s.retired == 0);
        assert_true(s.double_frees == 2 && s.stale_uses == 5 && s.wrong_pools == 33);
        fh_assert_ok(fh_pool_release(pool, b));
        fh_assert_ok(fh_pool_release(pool, c));
        /* What free slots have: no use of it passes, whatever lies in the low half. */
        const fh_handle now_free[] = {{b.value + (UINT64_C(1) << 32)}, {c.value + (UINT64_C(1) << 32)}};
        for (size_t i = 0; i < 2; i++)
            for (fh_pool_op op = FH_POOL_GET; op <= FH_POOL_RELEASE; op++)
                fh_assert_code(fh_pool_use(pool, now_free[i], op).status, FH_WRONG_POOL);
        for (size_t i = 0; i < 2; i++) {
            const void *at;
            get(pool, now_free[i], FH_WRONG_POOL);
            fh_assert_code(fh_pool_release(pool, now_free[i]), FH_WRONG_POOL);
            fh_assert_code(fh_pool_view(pool, now_free[i], &at), FH_WRONG_POOL);
            fh_assert_code(fh_pool_borrow_end(pool, now_free[i]), FH_WRONG_POOL);
            fh_assert_code(fh_pool_borrow_mut_end(pool, now_free[i]), FH_WRONG_POOL);
        }
        check(pool);
        fh_pool_free(pool);
    }
}

/* Handles of one pool in each of a thousand others. */
static void test_wrong_pool(void **state) {
    enum { POOLS = 300 };
    static fh_pool *pools[POOLS];
    static fh_handle handles[POOLS];
    for (size_t i = 0; i < POOLS; i++) {
        pools[i] = new_pool(fh_test_allocator(state), 1);
        for (size_t life = 0; life < i % 7; life++)
            fh_assert_ok(fh_pool_release(pools[i], alloc_one(pools[i])));
        handles[i] = alloc_one(pools[i]);
    }
    for (size_t i = 0; i < POOLS; i++)
        for (size_t k = 0; k < POOLS; k++) {
            void *at;
            fh_status s = fh_pool_get(pools[i], handles[k], &at);
            assert_int_equal(s.code == FH_OK, i == k);
            assert_true(s.code == FH_OK || s.code == FH_WRONG_POOL || s.code == FH_STALE);
        }
    /* Seeds are far apart: the distance of any two generations is the distance of their seeds, give or take the lives. */
    for (size_t i = 0; i < POOLS; i++)
        for (size_t k = 0; k < i; k++) {
            uint32_t apart = (uint32_t)(handles[i].value >> 32) - (uint32_t)(handles[k].value >> 32);
            assert_in_range(apart, 1000000, UINT32_MAX - 1000000);
        }
    for (size_t i = 0; i < POOLS; i++)
        fh_pool_free(pools[i]);
}

static fh_status hook_any(void *ctx, void *slot) {
    (void)ctx;
    (void)slot;
    return FH_DONE;
}

static uint32_t next_any(void *ctx, uint32_t capacity) {
    (void)ctx;
    return capacity + 1;
}

static void test_bad_arguments(void **state) {
    static const struct bad {
        fh_pool_config config;
        fh_code expected;
    } bad[] = {
        {{.size_bytes = 0, .capacity = 4}, FH_INVALID},
        {{.size_bytes = 8, .capacity = 0}, FH_INVALID},
        {{.size_bytes = 8, .capacity = 4, .align_bytes = 24}, FH_INVALID},
        {{.size_bytes = 8, .capacity = 4, .align_bytes = 8}, FH_INVALID}, /* below the natural one, 16 */
        {{.size_bytes = 8, .capacity = 4, .natural_align_bytes = 3}, FH_INVALID},
        {{.size_bytes = 8, .capacity = 4, .natural_align_bytes = 64, .align_bytes = 32}, FH_INVALID},
        {{.size_bytes = 8, .capacity = 4, .align_bytes = (size_t)1 << 31}, FH_LIMIT},
        {{.size_bytes = 8, .capacity = 4, .max_capacity = 3}, FH_INVALID},
        {{.size_bytes = 8, .capacity = 4, .max_capacity = 8}, FH_INVALID}, /* without growth */
        {{.size_bytes = 8, .capacity = 4, .max_capacity = 3, .growth = {.kind = FH_GROW_LINEAR}}, FH_INVALID},
        {{.size_bytes = 8, .capacity = 4, .growth = {.kind = FH_GROW_EXPONENTIAL, .percent = 100}}, FH_INVALID},
        {{.size_bytes = 8, .capacity = 4, .growth = {.kind = FH_GROW_CUSTOM}}, FH_INVALID},
        {{.size_bytes = 8, .capacity = 4, .growth = {.kind = FH_GROW_LINEAR, .next = next_any}}, FH_INVALID},
        {{.size_bytes = 8, .capacity = 4, .growth = {.kind = (fh_growth_kind)9}}, FH_INVALID},
        {{.size_bytes = 8, .capacity = 4, .threads = (fh_pool_threads)9}, FH_INVALID},
        {{.size_bytes = 8, .capacity = 4, .reset = hook_any}, FH_INVALID}, /* of a lazy pool */
        {{.size_bytes = 8, .capacity = (uint32_t)FH_POOL_SLOTS_MAX + 1}, FH_LIMIT},
        {{.size_bytes = 8, .capacity = UINT32_MAX}, FH_LIMIT},
        {{.size_bytes = 8, .capacity = 1, .max_capacity = UINT32_MAX, .growth = {.kind = FH_GROW_LINEAR}}, FH_LIMIT},
        {{.size_bytes = SIZE_MAX, .capacity = 1}, FH_NOMEM},
        {{.size_bytes = SIZE_MAX / 4, .capacity = 8}, FH_NOMEM},
        {{.size_bytes = (size_t)1 << 40, .capacity = FH_POOL_SLOTS_MAX}, FH_NOMEM},
    };
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fh_pool *pool = (fh_pool *)state;
        fh_status s = fh_pool_new(a, &bad[i].config, &pool);
        if (s.code != bad[i].expected)
            fail_msg("row %zu: %s", i, fh_code_name(s.code));
        assert_null(pool);
    }
    fh_pool *pool = (fh_pool *)state;
    const fh_pool_config good = {.size_bytes = 8, .capacity = 1};
    fh_assert_code(fh_pool_new_narrow(a, &good, 2, &pool), FH_INVALID);
    fh_assert_code(fh_pool_new_narrow(a, &good, 33, &pool), FH_INVALID);
    assert_null(pool);
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).live, 0);
}

/* With generations of `bits` bits a slot has 2^(bits-1) - 2 lives; then it is retired and no handle opens it again. */
static void test_retire(void **state) {
    enum { SLOTS = 3, LIVES_MAX = 3 * 126 };
    for (unsigned bits = 3; bits <= 8; bits++)
        for (int eager = 0; eager < 2; eager++) {
            uint64_t lives = (UINT64_C(1) << (bits - 1)) - 2;
            static fh_handle old[LIVES_MAX];
            fh_handle h;
            fh_pool *pool;
            size_t count = 0;
            const fh_pool_config config = {.size_bytes = 8, .capacity = SLOTS, .eager = eager};
            fh_assert_ok(fh_pool_new_narrow(fh_test_allocator(state), &config, bits, &pool));
            while (!fh_failed(fh_pool_alloc(pool, &h, NULL))) {
                assert_true(count < LIVES_MAX);
                old[count++] = h;
                fh_assert_ok(fh_pool_release(pool, h));
                fh_pool_stats s = fh_pool_stats_get(pool);
                assert_true(s.retired + s.live <= s.capacity && s.peak == 1);
                check(pool);
            }
            assert_int_equal(count, SLOTS * lives);
            fh_pool_stats s = fh_pool_stats_get(pool);
            assert_true(s.retired == SLOTS && s.live == 0 && s.allocs == count);
            fh_assert_code(fh_pool_alloc(pool, &h, NULL), FH_EXHAUSTED);
            for (size_t i = 0; i < count; i++) {
                for (size_t k = 0; k < i; k++)
                    assert_true(old[i].value != old[k].value); /* never reused */
                get(pool, old[i], FH_STALE);
                fh_assert_code(fh_pool_release(pool, old[i]), (i + 1) % lives == 0 ? FH_DOUBLE_FREE : FH_STALE);
            }
            fh_pool_free(pool);
        }
}

/* --- hooks ---------------------------------------------------------------------------------------------------------- */

typedef struct hooks {
    int inits, resets, finis, fail_init_at, fail_fini_at, fail_reset_at; /* 0: never */
} hooks;

static fh_status hook_init(void *ctx, void *slot) {
    hooks *k = ctx;
    thing *t = slot;
    k->inits++;
    if (k->inits == k->fail_init_at)
        return FH_STATUS(FH_IO);
    assert_true(t->id == 0);
    t->id = 1000;
    return FH_DONE;
}
static fh_status hook_reset(void *ctx, void *slot) {
    hooks *k = ctx;
    k->resets++;
    assert_true(((thing *)slot)->id >= 1000);
    return FH_STATUS(k->resets == k->fail_reset_at ? FH_CORRUPT : FH_OK);
}
static fh_status hook_fini(void *ctx, void *slot) {
    hooks *k = ctx;
    k->finis++;
    assert_true(((thing *)slot)->id >= 1000);
    ((thing *)slot)->id = 5;
    return FH_STATUS(k->finis == k->fail_fini_at ? FH_CORRUPT : FH_OK);
}

static void test_lazy_hooks(void **state) {
    hooks k = {.fail_init_at = 2, .fail_fini_at = 1};
    fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 2, .init = hook_init, .fini = hook_fini,
                                                                        .hook_ctx = &k});
    assert_int_equal(k.inits, 0);
    fh_handle a = alloc_one(pool), b;
    void *at;
    fh_assert_code(fh_pool_alloc(pool, &b, &at), FH_IO); /* the slot is back */
    assert_true(b.value == 0 && at == NULL);
    check(pool);
    b = alloc_one(pool);
    assert_int_equal(the_thing(pool, b)->id, 1000);
    fh_pool_stats s = fh_pool_stats_get(pool);
    assert_true(s.failures == 1 && s.allocs == 2 && s.live == 2);
    fh_assert_code(fh_pool_release(pool, a), FH_CORRUPT); /* released all the same */
    fh_assert_code(fh_pool_release(pool, a), FH_DOUBLE_FREE);
    assert_int_equal(k.finis, 1);
    a = alloc_one(pool);
    assert_int_equal(k.inits, 4);
    fh_assert_ok(fh_pool_release(pool, b));
    check(pool);
    fh_pool_free(pool);
    assert_int_equal(k.finis, 3); /* a was left over */
}

static void test_eager_hooks(void **state) {
    hooks k = {.fail_reset_at = 1};
    fh_pool_config config = {.capacity = 2, .max_capacity = 3, .growth = {.kind = FH_GROW_LINEAR}, .eager = true,
                             .init = hook_init, .reset = hook_reset, .fini = hook_fini, .hook_ctx = &k};
    fh_pool *pool = new_with(fh_test_allocator(state), config);
    assert_int_equal(k.inits, 2); /* before the first alloc */
    fh_handle a = alloc_one(pool), b = alloc_one(pool);
    the_thing(pool, a)->id = 2000;
    fh_assert_code(fh_pool_release(pool, a), FH_CORRUPT);
    fh_assert_ok(fh_pool_release(pool, b));
    a = alloc_one(pool);
    b = alloc_one(pool);
    assert_int_equal(the_thing(pool, a)->id + the_thing(pool, b)->id, 3000); /* kept */
    assert_int_equal(k.inits, 2);
    fh_handle c = alloc_one(pool); /* the pool grows */
    assert_int_equal(k.inits, 3);
    fh_assert_ok(fh_pool_release(pool, c));
    check(pool);
    assert_true(k.resets == 3 && k.finis == 0);
    fh_pool_free(pool);
    assert_true(k.resets == 3 && k.finis == 3); /* every object once, live or not */
}

/* An init hook that fails at growth, and then succeeds; one that fails at fh_pool_new. */
static void test_eager_hooks_fail(void **state) {
    fh_pool_config config = {.size_bytes = sizeof(thing), .capacity = 2, .max_capacity = 5, .growth = {.kind = FH_GROW_LINEAR},
                             .eager = true, .init = hook_init, .reset = hook_reset, .fini = hook_fini};
    for (int fail_at = 1; fail_at <= 6; fail_at++) {
        hooks k = {.fail_init_at = fail_at};
        config.hook_ctx = &k;
        fh_pool *pool;
        fh_status s = fh_pool_new(fh_test_allocator(state), &config, &pool);
        if (fail_at <= 2) {
            assert_int_equal(s.code, FH_IO);
            assert_null(pool);
            assert_int_equal(k.finis, fail_at - 1);
            continue;
        }
        fh_assert_ok(s);
        unsigned failures = 0;
        fh_handle h[5];
        for (size_t i = 0; i < 5;) {
            s = fh_pool_alloc(pool, &h[i], NULL);
            check(pool);
            if (!fh_failed(s))
                assert_int_equal(the_thing(pool, h[i++])->id, 1000);
            else
                failures += s.code == FH_IO;
        }
        assert_true(failures <= 1); /* 0 if the slot succeeded before it was needed */
        assert_int_equal(fh_pool_stats_get(pool).live, 5);
        assert_int_equal(k.inits, fail_at <= 5 ? 6 : 5);
        fh_pool_free(pool);
        assert_int_equal(k.finis, 5);
    }
}

typedef struct node {
    fh_handle next;
} node;

static fh_status release_next(void *ctx, void *slot) {
    fh_pool **pool = ctx;
    node *n = slot;
    return n->next.value == 0 ? FH_DONE : fh_pool_release(*pool, n->next);
}

/* A list whose nodes live in one pool goes when its first node is released; and when the pool is reset or freed. */
static void test_list_in_one_pool(void **state) {
    enum { NODES = 200 };
    for (int how = 0; how < 3; how++) {
        fh_pool *pool = NULL;
        fh_handle next = {0}, h;
        pool = new_with(fh_test_allocator(state), (fh_pool_config){.size_bytes = sizeof(node), .capacity = NODES,
                                                                   .fini = release_next, .hook_ctx = &pool});
        for (int i = 0; i < NODES; i++) {
            void *at;
            fh_assert_ok(fh_pool_alloc(pool, &h, &at));
            ((node *)at)->next = next;
            next = h;
        }
        if (how == 0)
            fh_assert_ok(fh_pool_release(pool, next));
        else if (how == 1)
            assert_true(fh_failed(fh_pool_reset(pool)) || fh_pool_stats_get(pool).live == 0);
        if (how != 2) {
            check(pool);
            assert_int_equal(fh_pool_stats_get(pool).live, 0);
            assert_int_equal(fh_pool_stats_get(pool).releases, NODES);
        }
        fh_pool_free(pool);
    }
}

static fh_status meddle(void *ctx, void *slot) {
    fh_pool *pool = *(fh_pool **)ctx;
    const fh_handle *self = slot;
    void *at;
    fh_handle h;
    if (self->value != 0) { /* nobody gets at a slot while its hook is at work */
        fh_assert_code(fh_pool_get(pool, *self, &at), FH_BORROWED);
        fh_assert_code(fh_pool_release(pool, *self), FH_BORROWED);
        fh_assert_code(fh_pool_borrow_mut_end(pool, *self), FH_INVALID);
        fh_assert_code(fh_pool_reset(pool), FH_BORROWED);
    }
    fh_status s = fh_pool_alloc(pool, &h, NULL);
    assert_true(s.code == FH_OK || s.code == FH_EXHAUSTED || s.code == FH_CANCELED);
    return s.code == FH_OK ? fh_pool_release(pool, h) : FH_DONE;
}

static void test_hooks_use_the_pool(void **state) {
    fh_pool *pool = NULL;
    fh_handle h[4];
    pool = new_with(fh_test_allocator(state),
                    (fh_pool_config){.size_bytes = 8, .capacity = 1, .max_capacity = 4, .growth = {.kind = FH_GROW_LINEAR},
                                     .fini = meddle, .hook_ctx = &pool});
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < 4; i++) {
            void *at;
            fh_status s = fh_pool_alloc(pool, &h[i], &at);
            if (!fh_failed(s))
                *(fh_handle *)at = h[i];
            fh_handle oldest = h[(i + 1) % 4];
            if (round > 0 || i == 3)
                fh_assert_ok(fh_pool_release(pool, oldest));
            check(pool);
        }
    fh_pool_free(pool);
}

typedef struct meddler {
    fh_pool *pool;
    fh_code alloc, reset;
} meddler;

static fh_status alloc_and_reset(void *ctx, void *slot) {
    meddler *k = ctx;
    (void)slot;
    fh_handle h;
    if (k->pool != NULL) {
        k->reset = fh_pool_reset(k->pool).code;
        k->alloc = fh_pool_alloc(k->pool, &h, NULL).code;
    }
    return FH_DONE;
}

/* A slot that is on its way into its life cannot be reset; a pool that ends gives no more slots. */
static void test_hooks_at_both_ends(void **state) {
    meddler k = {.alloc = FH_OK, .reset = FH_OK};
    fh_handle h;
    k.pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 1, .init = alloc_and_reset, .hook_ctx = &k});
    fh_assert_ok(fh_pool_alloc(k.pool, &h, NULL));
    assert_true(k.reset == FH_BORROWED && k.alloc == FH_EXHAUSTED);
    get(k.pool, h, FH_OK);
    fh_pool_free(k.pool);
    for (int eager = 0; eager < 2; eager++) {
        k.pool = NULL;
        k.pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 2, .eager = eager, .fini = alloc_and_reset,
                                                                     .hook_ctx = &k});
        fh_assert_ok(fh_pool_alloc(k.pool, &h, NULL));
        k.alloc = FH_OK;
        fh_pool_free(k.pool);
        assert_int_equal(k.alloc, FH_CANCELED);
    }
}

/* --- borrows -------------------------------------------------------------------------------------------------------- */

/* What each use makes of each state of a slot. */
static void test_borrow_table(void **state) {
    enum { STATES = 5 };
    static const fh_pool_op enter[STATES] = {FH_POOL_GET, FH_POOL_BORROW, FH_POOL_SHARE, FH_POOL_BORROW_MUT, FH_POOL_PIN};
    static const fh_pool_op leave[STATES] = {FH_POOL_RELEASE, FH_POOL_BORROW_END, FH_POOL_DROP, FH_POOL_BORROW_MUT_END,
                                             FH_POOL_UNPIN};
#define B FH_BORROWED
#define I FH_INVALID
    static const fh_code expected[STATES][FH_POOL_RELEASE + 1] = {
        /* get view  borrow end   mut  mut_end pin unpin share upgrade drop release */
        {FH_OK, FH_OK, FH_OK, I, FH_OK, I, FH_OK, I, FH_OK, I, I, FH_OK},
        {B, FH_OK, FH_OK, FH_OK, B, I, B, I, B, I, I, B},
        {B, FH_OK, B, I, B, I, B, I, B, FH_OK, FH_OK, B},
        {B, B, B, I, B, FH_OK, B, I, B, I, I, B},
        {B, B, B, I, B, I, B, FH_OK, B, I, I, B},
    };
#undef B
#undef I
    fh_pool *pool = new_pool(fh_test_allocator(state), 2);
    fh_handle other = alloc_one(pool);
    for (size_t s = 0; s < STATES; s++)
        for (fh_pool_op op = 0; op <= FH_POOL_RELEASE; op++) {
            fh_handle h = alloc_one(pool);
            fh_assert_ok(fh_pool_use(pool, h, enter[s]).status);
            uint64_t conflicts = fh_pool_stats_get(pool).borrow_conflicts;
            fh_pool_found found = fh_pool_use(pool, h, op);
            fh_status got = found.status;
            if (got.code != expected[s][op])
                fail_msg("state %zu, use %d: %s", s, (int)op, fh_code_name(got.code));
            assert_int_equal(fh_pool_stats_get(pool).borrow_conflicts - conflicts, got.code == FH_BORROWED);
            assert_true(fh_failed(got) == (found.at == NULL));
            if (fh_failed(got)) { /* nothing changed: the slot leaves its state as it would have */
                fh_assert_ok(fh_pool_use(pool, h, leave[s]).status);
                if (s != 0 && s != 2)
                    fh_assert_ok(fh_pool_release(pool, h));
                get(pool, h, FH_STALE);
            } else { /* whatever it became, these lead out of it */
                static const fh_pool_op out[] = {FH_POOL_BORROW_END, FH_POOL_BORROW_END, FH_POOL_BORROW_MUT_END, FH_POOL_UNPIN,
                                                 FH_POOL_DROP, FH_POOL_DROP, FH_POOL_RELEASE};
                for (size_t i = 0; i < sizeof out / sizeof out[0]; i++)
                    assert_true(fh_pool_use(pool, h, out[i]).status.code != FH_NOMEM);
                get(pool, h, FH_STALE);
            }
            check(pool);
            assert_int_equal(fh_pool_stats_get(pool).live, 1);
        }
    get(pool, other, FH_OK);
    fh_pool_free(pool);
}

/* The inline roads and the one out of line say the same. */
static void test_borrows(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 2);
    fh_handle h = alloc_one(pool);
    const void *at, *same;
    void *mut, *mine = get(pool, h, FH_OK);
    fh_assert_ok(fh_pool_borrow(pool, h, &at));
    assert_ptr_equal(at, mine);
    fh_assert_ok(fh_pool_borrow(pool, h, &same));
    assert_ptr_equal(at, same);
    fh_assert_ok(fh_pool_view(pool, h, &same));
    fh_assert_code(fh_pool_borrow_mut(pool, h, &mut), FH_BORROWED);
    assert_null(mut);
    fh_assert_code(fh_pool_release(pool, h), FH_BORROWED);
    fh_assert_code(fh_pool_reset(pool), FH_BORROWED);
    get(pool, h, FH_BORROWED);
    fh_assert_ok(fh_pool_borrow_end(pool, h));
    fh_assert_code(fh_pool_release(pool, h), FH_BORROWED);
    fh_assert_ok(fh_pool_borrow_end(pool, h));
    fh_assert_code(fh_pool_borrow_end(pool, h), FH_INVALID);

    fh_assert_ok(fh_pool_borrow_mut(pool, h, &mut));
    assert_ptr_equal(mut, mine);
    fh_assert_code(fh_pool_borrow(pool, h, &at), FH_BORROWED);
    assert_null(at);
    fh_assert_code(fh_pool_view(pool, h, &at), FH_BORROWED);
    assert_null(at);
    fh_assert_code(fh_pool_borrow_end(pool, h), FH_INVALID);
    fh_assert_code(fh_pool_unpin(pool, h), FH_INVALID);
    fh_assert_ok(fh_pool_borrow_mut_end(pool, h));
    fh_assert_code(fh_pool_borrow_mut_end(pool, h), FH_INVALID);

    fh_assert_ok(fh_pool_pin(pool, h, &mut));
    assert_ptr_equal(mut, mine);
    fh_assert_code(fh_pool_view(pool, h, &at), FH_BORROWED);
    fh_assert_code(fh_pool_borrow_mut_end(pool, h), FH_INVALID);
    fh_assert_code(fh_pool_release(pool, h), FH_BORROWED);
    fh_assert_ok(fh_pool_unpin(pool, h));
    assert_int_equal(fh_pool_stats_get(pool).borrow_conflicts, 9);
    fh_assert_ok(fh_pool_release(pool, h));
    fh_assert_code(fh_pool_borrow(pool, h, &at), FH_STALE);
    fh_assert_code(fh_pool_borrow_mut(pool, h, &mut), FH_STALE);
    fh_assert_code(fh_pool_borrow_end(pool, h), FH_STALE);
    fh_assert_code(fh_pool_view(pool, h, &at), FH_STALE);
    fh_pool_free(pool);
}

/* The last shared borrow there is room for, by writing the word that 2^30 - 2 borrows would have made. */
static void test_borrow_limit(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 1);
    fh_handle h = alloc_one(pool);
    const void *at;
    fh_store(fh_pool_word(pool->core, 0), (h.value & ~(uint64_t)UINT32_MAX) + FH_BORROW_SHARED_MAX - 1, FH_RELAXED);
    fh_assert_ok(fh_pool_borrow(pool, h, &at));
    fh_assert_code(fh_pool_borrow(pool, h, &at), FH_LIMIT);
    fh_assert_ok(fh_pool_borrow_end(pool, h));
    fh_store(fh_pool_word(pool->core, 0), (h.value & ~(uint64_t)UINT32_MAX) + FH_BORROW_COUNTED + FH_BORROW_SHARED_MAX - 1,
             FH_RELAXED);
    fh_assert_ok(fh_pool_upgrade(pool, h));
    fh_assert_code(fh_pool_upgrade(pool, h), FH_LIMIT);
    fh_pool_free(pool); /* counted slots may be left over */
}

static void test_counted(void **state) {
    hooks k = {0};
    fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 2, .init = hook_init, .fini = hook_fini,
                                                                        .hook_ctx = &k});
    fh_handle h = alloc_one(pool);
    const void *at;
    fh_assert_code(fh_pool_upgrade(pool, h), FH_INVALID);
    fh_assert_code(fh_pool_drop(pool, h), FH_INVALID);
    fh_assert_ok(fh_pool_share(pool, h));
    fh_assert_ok(fh_pool_upgrade(pool, h));
    fh_assert_ok(fh_pool_view(pool, h, &at));
    fh_assert_code(fh_pool_release(pool, h), FH_BORROWED);
    fh_assert_ok(fh_pool_drop(pool, h));
    assert_int_equal(k.finis, 0);
    fh_assert_ok(fh_pool_drop(pool, h));
    assert_int_equal(k.finis, 1);
    fh_assert_code(fh_pool_drop(pool, h), FH_DOUBLE_FREE);
    fh_assert_code(fh_pool_upgrade(pool, h), FH_STALE); /* a weak reference to what has gone */
    h = alloc_one(pool);
    fh_assert_ok(fh_pool_share(pool, h));
    fh_assert_ok(fh_pool_reset(pool)); /* counted slots too */
    fh_assert_code(fh_pool_view(pool, h, &at), FH_STALE);
    assert_int_equal(k.finis, 2);
    check(pool);
    fh_pool_free(pool);
}

static void test_load_store(void **state) {
    fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.size_bytes = sizeof(thing), .capacity = 1});
    fh_handle h = alloc_one(pool);
    thing t = {.id = 7, .rest = {1, 2, 3}}, back = {0};
    uint8_t more[sizeof(thing) + 1] = {0};
    const void *at;
    fh_assert_ok(fh_pool_store(pool, h, (fh_span){(const uint8_t *)&t, sizeof t}));
    fh_assert_ok(fh_pool_load(pool, h, (fh_mspan){(uint8_t *)&back, sizeof back}));
    assert_memory_equal(&t, &back, sizeof t);
    fh_assert_code(fh_pool_load(pool, h, (fh_mspan){more, sizeof more}), FH_INVALID);
    fh_assert_code(fh_pool_store(pool, h, (fh_span){more, sizeof more}), FH_INVALID);
    fh_assert_ok(fh_pool_borrow(pool, h, &at));
    fh_assert_ok(fh_pool_load(pool, h, (fh_mspan){(uint8_t *)&back, 8}));
    fh_assert_code(fh_pool_store(pool, h, (fh_span){more, 8}), FH_BORROWED);
    fh_assert_ok(fh_pool_borrow_end(pool, h));
    fh_assert_ok(fh_pool_share(pool, h));
    fh_assert_ok(fh_pool_load(pool, h, (fh_mspan){(uint8_t *)&back, 8}));
    assert_int_equal(back.id, 7);
    fh_assert_code(fh_pool_store(pool, h, (fh_span){more, 8}), FH_BORROWED);
    fh_assert_ok(fh_pool_drop(pool, h));
    fh_assert_code(fh_pool_load(pool, h, (fh_mspan){(uint8_t *)&back, 8}), FH_STALE);
    fh_assert_code(fh_pool_store(pool, h, (fh_span){more, 8}), FH_STALE);
    fh_pool_free(pool);
}

/* --- batches, reset ------------------------------------------------------------------------------------------------- */

static void test_batch(void **state) {
    hooks k = {0};
    fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 5, .init = hook_init, .fini = hook_fini,
                                                                        .hook_ctx = &k});
    fh_handle h[6] = {{0}};
    fh_assert_ok(fh_pool_alloc_n(pool, 0, h));
    fh_assert_code(fh_pool_alloc_n(pool, 6, h), FH_EXHAUSTED); /* none at all */
    for (size_t i = 0; i < 6; i++)
        assert_true(h[i].value == 0);
    fh_pool_stats s = fh_pool_stats_get(pool);
    assert_true(s.live == 0 && s.allocs == 0 && s.failures == 1 && k.inits == 5 && k.finis == 5);
    check(pool);
    k.fail_init_at = 5 + 3;
    fh_assert_code(fh_pool_alloc_n(pool, 5, h), FH_IO);
    assert_int_equal(fh_pool_stats_get(pool).live, 0);
    check(pool);
    fh_assert_ok(fh_pool_alloc_n(pool, 5, h));
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(the_thing(pool, h[i])->id, 1000);
    h[5] = h[2];
    fh_assert_code(fh_pool_release_n(pool, 6, h), FH_DOUBLE_FREE); /* the other five are released */
    assert_int_equal(fh_pool_stats_get(pool).live, 0);
    assert_int_equal(k.inits - 1, k.finis); /* but for the one that failed */
    check(pool);
    fh_pool_free(pool);
}

static void test_reset(void **state) {
    hooks k = {.fail_fini_at = 2};
    fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 5, .init = hook_init, .fini = hook_fini,
                                                                        .hook_ctx = &k});
    fh_handle h[4];
    void *at;
    fh_assert_ok(fh_pool_alloc_n(pool, 4, h));
    fh_assert_ok(fh_pool_pin(pool, h[3], &at));
    fh_assert_code(fh_pool_reset(pool), FH_BORROWED); /* nothing has changed */
    assert_int_equal(k.finis, 0);
    for (size_t i = 0; i < 3; i++)
        get(pool, h[i], FH_OK);
    fh_assert_ok(fh_pool_unpin(pool, h[3]));
    fh_assert_code(fh_pool_reset(pool), FH_CORRUPT); /* what the second hook said; all are released */
    assert_int_equal(k.finis, 4);
    for (size_t i = 0; i < 4; i++)
        get(pool, h[i], FH_STALE);
    check(pool);
    fh_assert_ok(fh_pool_alloc_n(pool, 4, h));
    assert_int_equal(fh_pool_stats_get(pool).allocs, 8);
    fh_pool_free(pool);
}

static void free_borrowed(void *arg) {
    fh_pool_free(arg);
}

static void test_free_asserts(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 1);
    fh_handle h = alloc_one(pool);
    const void *at;
    fh_assert_ok(fh_pool_borrow(pool, h, &at));
    fh_assert_dies(free_borrowed, pool, "fh_word_low");
    fh_assert_ok(fh_pool_borrow_end(pool, h));
    fh_pool_free(pool);
}

static fh_status alloc_at_the_end(void *ctx, void *slot) {
    fh_pool **pool = ctx;
    fh_handle h;
    (void)slot;
    fh_assert_code(fh_pool_alloc(*pool, &h, NULL), FH_CANCELED);
    return FH_DONE;
}

/* A pool that ends gives out nothing, not even to the hook that ends its last object. */
static void test_free_gives_nothing(void **state) {
    fh_pool *pool = NULL;
    const fh_pool_config config = {.size_bytes = 8, .capacity = 2, .fini = alloc_at_the_end, .hook_ctx = &pool};
    fh_assert_ok(fh_pool_new(fh_test_allocator(state), &config, &pool));
    (void)alloc_one(pool);
    fh_pool_free(pool);
}

/* --- threads -------------------------------------------------------------------------------------------------------- */

static void *use_elsewhere(void *arg) {
    fh_pool *pool = arg;
    fh_handle h = {UINT64_C(1) << 32};
    const void *view;
    void *at;
    fh_assert_code(fh_pool_alloc(pool, &h, &at), FH_WRONG_THREAD);
    assert_true(h.value == 0 && at == NULL);
    fh_assert_code(fh_pool_alloc_n(pool, 1, &h), FH_WRONG_THREAD);
    fh_assert_code(fh_pool_release(pool, h), FH_WRONG_THREAD);
    fh_assert_code(fh_pool_get(pool, h, &at), FH_WRONG_THREAD);
    fh_assert_code(fh_pool_view(pool, h, &view), FH_WRONG_THREAD);
    fh_assert_code(fh_pool_borrow(pool, h, &view), FH_WRONG_THREAD);
    fh_assert_code(fh_pool_borrow_end(pool, h), FH_WRONG_THREAD);
    fh_assert_code(fh_pool_borrow_mut(pool, h, &at), FH_WRONG_THREAD);
    fh_assert_code(fh_pool_borrow_mut_end(pool, h), FH_WRONG_THREAD);
    fh_assert_code(fh_pool_reset(pool), FH_WRONG_THREAD);
    fh_assert_code(fh_pool_reap(pool), FH_WRONG_THREAD);
    assert_int_equal(fh_pool_trim(pool), 0);
    (void)fh_pool_stats_get(pool); /* from any thread */
    return NULL;
}

static void *adopt_and_use(void *arg) {
    fh_pool *pool = arg;
    fh_pool_adopt(pool);
    fh_assert_ok(fh_pool_release(pool, alloc_one(pool)));
    return NULL;
}

static void *adopt(void *arg) {
    fh_pool_adopt(arg);
    return NULL;
}

static void run_thread(void *(*fn)(void *), void *arg) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fn, arg), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_confined(void **state) {
    for (int eager = 0; eager < 2; eager++) {
        fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 4, .eager = eager});
        fh_handle h = alloc_one(pool);
        run_thread(use_elsewhere, pool);
        assert_int_equal(fh_pool_stats_get(pool).wrong_threads, 12);
        get(pool, h, FH_OK);
        run_thread(adopt_and_use, pool);
        get(pool, h, FH_WRONG_THREAD); /* it has a new user */
        fh_assert_code(fh_pool_release(pool, h), FH_WRONG_THREAD);
        fh_pool_adopt(pool);
        get(pool, h, FH_OK);
        run_thread(adopt, pool);
        get(pool, h, FH_WRONG_THREAD); /* from the first moment on */
        fh_pool_adopt(pool);
        check(pool);
        fh_pool_free(pool);
    }
}

/* The user of a confined pool works while others knock: no data race (ThreadSanitizer), and only refusals. */
static void test_confined_beside(void **state) {
    fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 4, .eager = true});
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, use_elsewhere, pool), 0);
    for (int i = 0; i < 10000; i++) {
        fh_handle h = alloc_one(pool);
        const void *at;
        fh_assert_ok(fh_pool_borrow(pool, h, &at));
        fh_assert_ok(fh_pool_borrow_end(pool, h));
        fh_assert_ok(fh_pool_release(pool, h));
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(fh_pool_stats_get(pool).allocs, 10000);
    fh_pool_free(pool);
}

static void *use_serial(void *arg) {
    fh_pool *pool = arg;
    for (int i = 0; i < 10; i++)
        fh_assert_ok(fh_pool_release(pool, alloc_one(pool)));
    return NULL;
}

static void test_serial(void **state) {
    const fh_pool_config config = {.capacity = 4, .threads = FH_POOL_SERIAL, .eager = true};
    fh_pool *pool = new_with(fh_test_allocator(state), config);
    fh_handle h = alloc_one(pool);
    for (int i = 0; i < 3; i++) {
        run_thread(use_serial, pool);
        get(pool, h, FH_OK);
        fh_assert_ok(fh_pool_release(pool, alloc_one(pool)));
    }
    fh_pool *view;
    fh_assert_code(fh_pool_attach(pool, &view), FH_UNSUPPORTED);
    assert_null(view);
    fh_assert_code(fh_pool_detach(pool), FH_UNSUPPORTED);
    fh_assert_ok(fh_pool_reap(pool));
    assert_int_equal(fh_pool_stats_get(pool).allocs, 34);
    check(pool);
    fh_pool_free(pool);
}

/* --- typed ---------------------------------------------------------------------------------------------------------- */

FH_POOL_DEFINE(thing, thing);

static fh_code leave_scope(thing_pool pool, thing_handle h, bool take, thing_handle *out) {
    fh_auto(thing_owned_drop) thing_owned owned = thing_own(pool, h);
    thing *t;
    fh_status s = thing_get(owned.pool, owned.handle, &t);
    *out = take ? thing_owned_take(&owned) : (thing_handle){0};
    return s.code;
}

static void test_typed(void **state) {
    thing_pool pool;
    fh_assert_ok(thing_pool_new(fh_test_allocator(state), &(fh_pool_config){.capacity = 4}, &pool));
    assert_int_equal(pool.pool->core->config.size_bytes, sizeof(thing));
    assert_int_equal(pool.pool->core->config.align_bytes, 8);
    thing_handle h, out;
    thing *t, *mut;
    const thing *at;
    fh_assert_ok(thing_alloc(pool, &h, &t));
    t->id = 3;
    fh_assert_ok(thing_view(pool, h, &at));
    assert_int_equal(at->id, 3);
    fh_assert_ok(thing_borrow(pool, h, &at));
    fh_assert_ok(thing_borrow_end(pool, h));
    fh_assert_ok(thing_borrow_mut(pool, h, &mut));
    assert_ptr_equal(mut, t);
    fh_assert_ok(thing_borrow_mut_end(pool, h));
    fh_assert_ok(thing_pin(pool, h, &mut));
    fh_assert_ok(thing_unpin(pool, h));
    assert_int_equal(leave_scope(pool, h, true, &out), FH_OK);
    assert_true(out.value == h.value);
    fh_assert_ok(thing_get(pool, h, &mut));
    assert_int_equal(leave_scope(pool, h, false, &out), FH_OK);
    fh_assert_code(thing_get(pool, h, &mut), FH_STALE);
    assert_null(mut);
    fh_assert_ok(thing_alloc(pool, &h, NULL));
    fh_assert_ok(thing_share(pool, h));
    fh_assert_ok(thing_upgrade(pool, h));
    fh_assert_ok(thing_drop(pool, h));
    fh_assert_ok(thing_drop(pool, h));
    fh_assert_code(thing_release(pool, h), FH_DOUBLE_FREE);
    thing_pool_free(pool);
}

/* --- memory --------------------------------------------------------------------------------------------------------- */

static fh_status body(fh_allocator *a, void *arg) {
    fh_pool *pool;
    fh_handle h[20];
    fh_pool_config config = {.size_bytes = 1000, .capacity = 10, .max_capacity = 20, .growth = {.kind = FH_GROW_LINEAR},
                             .eager = arg != NULL};
    FH_TRY(fh_pool_new(a, &config, &pool));
    fh_status s = fh_pool_alloc_n(pool, 20, h);
    fh_code checked = fh_pool_check(pool, NULL).code; /* it allocates, too */
    assert_true(checked == FH_OK || checked == FH_NOMEM);
    assert_int_equal(fh_pool_stats_get(pool).live, fh_failed(s) ? 0 : 20);
    fh_pool_free(pool);
    return s;
}

static void test_without_memory(void **state) {
    for (size_t eager = 0; eager < 2; eager++)
        assert_in_range(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, eager ? &eager : NULL), 5, 9);
    fh_pool *pool = (fh_pool *)state;
    fh_trace_fail_at(fh_test_trace(state), 3);
    fh_assert_code(fh_pool_new(fh_test_allocator(state), &(fh_pool_config){.size_bytes = 8, .capacity = 4}, &pool), FH_NOMEM);
    assert_null(pool);
}

static void touch_released(void *arg) {
    fh_pool *pool = arg;
    fh_handle h = alloc_one(pool);
    volatile thing *t = get(pool, h, FH_OK);
    if (fh_failed(fh_pool_release(pool, h)))
        return;
    t->id = 1;
}

/* AddressSanitizer sees a pointer that outlived its slot's life. */
static void test_poison(void **state) {
#ifndef FH_TEST_ASAN
    (void)state;
    (void)touch_released;
    fh_test_skip("this build has no address sanitizer");
#else
    for (int eager = 0; eager < 2; eager++) {
        fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 2, .eager = eager});
        char said[8192];
        int status = fh_test_child(touch_released, pool, said, sizeof said);
        assert_int_not_equal(status, 0); /* a signal or an exit status, as ASAN_OPTIONS says */
        assert_non_null(strstr(said, "use-after-poison"));
        fh_pool_free(pool);
    }
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_life),
        FH_TEST_ALLOC(test_refusals),
        FH_TEST_ALLOC(test_wrong_pool),
        FH_TEST_ALLOC(test_bad_arguments),
        FH_TEST_ALLOC(test_retire),
        FH_TEST_ALLOC(test_lazy_hooks),
        FH_TEST_ALLOC(test_eager_hooks),
        FH_TEST_ALLOC(test_eager_hooks_fail),
        FH_TEST_ALLOC(test_list_in_one_pool),
        FH_TEST_ALLOC(test_hooks_use_the_pool),
        FH_TEST_ALLOC(test_hooks_at_both_ends),
        FH_TEST_ALLOC(test_borrow_table),
        FH_TEST_ALLOC(test_borrows),
        FH_TEST_ALLOC(test_borrow_limit),
        FH_TEST_ALLOC(test_counted),
        FH_TEST_ALLOC(test_load_store),
        FH_TEST_ALLOC(test_batch),
        FH_TEST_ALLOC(test_reset),
        FH_TEST_ALLOC(test_free_asserts),
        FH_TEST_ALLOC(test_free_gives_nothing),
        FH_TEST_ALLOC(test_confined),
        FH_TEST_ALLOC(test_confined_beside),
        FH_TEST_ALLOC(test_serial),
        FH_TEST_ALLOC(test_typed),
        FH_TEST_ALLOC(test_without_memory),
        FH_TEST_ALLOC(test_poison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
