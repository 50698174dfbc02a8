/* test_cache.c: loads that happen once, references that know when they are stale, the budget, pins, removal, order; threads. */
#include "fh_test.h"

#include <pthread.h>
#include <string.h>

#include "freehold/atomic.h"
#include "freehold/os.h"
#include "mem/cache/cache_core.h"

/* What the loaders of a test make: blocks of one number, counted. */
typedef struct source {
    fh_allocator *a;
    fh_cache *cache;
    uint64_t loads, released, last_released; /* atomic */
    fh_code fail;            /* FH_OK: do not */
    uint64_t bytes_in_load, bytes_in_release;
} source;

static fh_status load_number(void *ctx, uint64_t key, void **value) {
    source *src = ctx;
    (void)fh_fetch_add(&src->loads, 1, FH_RELAXED);
    src->bytes_in_load = fh_cache_stats_get(src->cache).bytes;
    if (src->fail != FH_OK)
        return FH_STATUS(src->fail);
    uint64_t *v = fh_alloc(src->a, 1, sizeof *v);
    if (v == NULL)
        return FH_STATUS(FH_NOMEM);
    *v = key;
    *value = v;
    return FH_DONE;
}

static void release_number(void *ctx, uint64_t key, void *value, uint64_t size_bytes) {
    source *src = ctx;
    assert_true(*(uint64_t *)value == key && size_bytes > 0);
    (void)fh_fetch_add(&src->released, 1, FH_RELAXED);
    src->last_released = key;
    src->bytes_in_release = fh_cache_stats_get(src->cache).bytes;
    fh_free(src->a, value);
}

static fh_cache *new_cache(fh_allocator *a, source *src, fh_cache_config config) {
    *src = (source){.a = a};
    config.release = release_number;
    config.ctx = src;
    fh_assert_ok(fh_cache_new(a, &config, &src->cache));
    return src->cache;
}

static fh_status acquire(source *src, uint64_t key, uint64_t bytes, fh_cache_ref *out) {
    void *v = src;
    fh_status s = fh_cache_acquire(src->cache, key, &(fh_cache_loader){load_number, src, bytes}, out, &v);
    assert_true(fh_failed(s) ? v == NULL : *(uint64_t *)v == key);
    return s;
}

static fh_cache_ref acquire_ok(source *src, uint64_t key, uint64_t bytes) {
    fh_cache_ref ref;
    fh_assert_ok(acquire(src, key, bytes, &ref));
    void *v;
    fh_assert_ok(fh_cache_view(src->cache, ref, &v));
    assert_true(*(uint64_t *)v == key);
    return ref;
}

/* Loads or uses a key and lets go of it. */
static void touch(source *src, uint64_t key, uint64_t bytes) {
    fh_assert_ok(fh_cache_drop(src->cache, acquire_ok(src, key, bytes)));
}

static bool has(source *src, uint64_t key) {
    fh_cache_ref ref;
    fh_status s = fh_cache_get(src->cache, key, &ref, NULL);
    if (!fh_failed(s))
        fh_assert_ok(fh_cache_drop(src->cache, ref));
    return !fh_failed(s);
}

static void check(fh_cache *cache) {
    fh_err err = {0};
    if (fh_failed(fh_cache_check(cache, &err)))
        fail_msg("%s", err.message);
}

/* --- one thread ------------------------------------------------------------------------------------------------------- */

static void test_life(void **state) {
    source src;
    fh_cache *cache = new_cache(fh_test_allocator(state), &src, (fh_cache_config){.budget_bytes = 100});
    fh_cache_ref a, b, c;
    fh_assert_code(fh_cache_get(cache, 7, &a, NULL), FH_NOT_FOUND);
    assert_true(a.value == 0);
    a = acquire_ok(&src, 7, 40);
    b = acquire_ok(&src, 7, 40);
    fh_assert_ok(fh_cache_get(cache, 7, &c, NULL));
    assert_true(a.value != b.value && b.value != c.value && a.value != c.value);
    fh_cache_stats s = fh_cache_stats_get(cache);
    assert_true(s.loads == 1 && s.misses == 2 && s.hits == 2 && s.refs == 3 && s.bytes == 40 && s.entries == 1);
    fh_assert_ok(fh_cache_drop(cache, a));
    fh_assert_ok(fh_cache_drop(cache, b));
    fh_assert_ok(fh_cache_drop(cache, c));
    assert_true(src.released == 0 && has(&src, 7));
    check(cache);
    fh_cache_free(cache);
    assert_true(src.released == 1);
    fh_cache_free(NULL);
}

/* The second drop of one reference is refused, however many others the value has. */
static void test_references(void **state) {
    source src;
    fh_cache *cache = new_cache(fh_test_allocator(state), &src, (fh_cache_config){.budget_bytes = 100});
    fh_cache_ref a = acquire_ok(&src, 1, 1), b = acquire_ok(&src, 1, 1), c, zero = {0};
    void *v;
    fh_assert_ok(fh_cache_drop(cache, a));
    fh_assert_code(fh_cache_drop(cache, a), FH_DOUBLE_FREE);
    fh_assert_code(fh_cache_drop(cache, a), FH_DOUBLE_FREE);
    fh_assert_code(fh_cache_view(cache, a, &v), FH_STALE);
    assert_null(v);
    fh_assert_code(fh_cache_share(cache, a, &c), FH_STALE);
    assert_true(c.value == 0 && fh_cache_stats_get(cache).refs == 1);
    fh_assert_ok(fh_cache_share(cache, b, &c)); /* a's place, another life */
    fh_assert_code(fh_cache_drop(cache, a), FH_STALE);
    fh_assert_code(fh_cache_view(cache, a, &v), FH_STALE);
    fh_assert_code(fh_cache_view(cache, zero, &v), FH_STALE);
    fh_assert_code(fh_cache_drop(cache, zero), FH_STALE);
    fh_assert_ok(fh_cache_remove(cache, 1));
    fh_assert_ok(fh_cache_drop(cache, c));
    fh_assert_ok(fh_cache_view(cache, b, &v)); /* not ended by any of them */
    assert_true(*(uint64_t *)v == 1 && src.released == 0);
    fh_assert_ok(fh_cache_drop(cache, b));
    assert_true(src.released == 1);
    fh_cache_stats s = fh_cache_stats_get(cache);
    assert_true(s.double_frees == 2 && s.stale_uses == 6 && s.refs == 0 && s.leaving == 0);
    check(cache);
    fh_cache_free(cache);
}

static void test_wrong_cache(void **state) {
    enum { CACHES = 40 };
    static source src[CACHES];
    fh_cache_ref refs[CACHES], more;
    void *v;
    for (size_t i = 0; i < CACHES; i++) {
        (void)new_cache(fh_test_allocator(state), &src[i],
                        (fh_cache_config){.budget_bytes = 9, .shards = 1, .entries_max = 4, .refs_max = 4});
        for (size_t n = 0; n < i; n++)
            touch(&src[i], 1, 1);
        refs[i] = acquire_ok(&src[i], 1, 1);
    }
    for (size_t i = 0; i < CACHES; i++)
        for (size_t k = 0; k < CACHES; k++) {
            if (i == k)
                continue;
            fh_assert_code(fh_cache_view(src[i].cache, refs[k], &v), FH_WRONG_POOL);
            assert_null(v);
            fh_assert_code(fh_cache_drop(src[i].cache, refs[k]), FH_WRONG_POOL);
            fh_assert_code(fh_cache_share(src[i].cache, refs[k], &more), FH_WRONG_POOL);
            assert_true(more.value == 0);
        }
    fh_cache_ref ref = refs[0];
    const uint64_t never[] = {ref.value ^ UINT64_C(1) << 24, ref.value + (UINT64_C(2) << 24), ref.value | 0xffffc0,
                              ref.value | 1};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        fh_assert_code(fh_cache_drop(src[0].cache, (fh_cache_ref){never[i]}), FH_WRONG_POOL);
        fh_assert_code(fh_cache_view(src[0].cache, (fh_cache_ref){never[i]}, &v), FH_WRONG_POOL);
    }
    for (size_t i = 0; i < CACHES; i++) {
        assert_true(fh_cache_stats_get(src[i].cache).refs == 1);
        fh_assert_ok(fh_cache_drop(src[i].cache, refs[i]));
        fh_cache_ref between = {refs[i].value + (UINT64_C(1) << 24)}; /* what the slot has now that it is free */
        fh_assert_code(fh_cache_drop(src[i].cache, between), FH_WRONG_POOL);
        fh_assert_code(fh_cache_view(src[i].cache, between, &v), FH_WRONG_POOL);
        fh_cache_free(src[i].cache);
    }
}

/* Bytes are reserved before the loader runs, and come back after the release. */
static void test_budget(void **state) {
    source src;
    fh_cache *cache = new_cache(fh_test_allocator(state), &src, (fh_cache_config){.budget_bytes = 100});
    fh_cache_ref a, b, none = {5};
    fh_assert_code(acquire(&src, 1, 101, &none), FH_LIMIT);
    assert_true(none.value == 0 && src.loads == 0);
    a = acquire_ok(&src, 1, 60);
    assert_true(src.bytes_in_load == 60);
    fh_assert_code(acquire(&src, 2, 41, &none), FH_EXHAUSTED);
    assert_true(none.value == 0 && src.loads == 1);
    fh_assert_code(fh_cache_get(cache, 2, &none, NULL), FH_NOT_FOUND);
    b = acquire_ok(&src, 2, 40);
    assert_true(src.bytes_in_load == 100);
    fh_assert_ok(fh_cache_drop(cache, a));
    a = acquire_ok(&src, 3, 1); /* evicts 1 */
    assert_true(src.released == 1 && src.last_released == 1 && src.bytes_in_release == 100 && src.bytes_in_load == 41);
    fh_cache_stats s = fh_cache_stats_get(cache);
    assert_true(s.bytes == 41 && s.bytes_peak == 100 && s.evictions == 1 && s.no_room == 1 && s.budget_bytes == 100);

    /* What is removed and still used counts until it ends. */
    fh_assert_ok(fh_cache_remove(cache, 2));
    assert_true(fh_cache_stats_get(cache).bytes == 41 && fh_cache_stats_get(cache).leaving == 1);
    fh_assert_code(acquire(&src, 4, 60, &none), FH_EXHAUSTED);
    fh_assert_ok(fh_cache_drop(cache, b));
    assert_true(fh_cache_stats_get(cache).bytes == 1);
    check(cache);
    fh_assert_ok(fh_cache_drop(cache, a));
    fh_cache_free(cache);
}

/* Sums that wrap are no sums that fit. */
static void test_huge(void **state) {
    const uint64_t half = UINT64_C(1) << 63;
    source src;
    fh_cache *cache = new_cache(fh_test_allocator(state), &src, (fh_cache_config){.budget_bytes = UINT64_MAX});
    fh_cache_ref a = acquire_ok(&src, 1, half), none;
    fh_assert_code(acquire(&src, 2, half, &none), FH_EXHAUSTED);
    fh_assert_code(acquire(&src, 2, UINT64_MAX, &none), FH_EXHAUSTED);
    touch(&src, 2, half - 1);
    assert_true(fh_cache_stats_get(cache).bytes == UINT64_MAX);
    fh_assert_ok(fh_cache_drop(cache, a));
    check(cache);
    fh_cache_free(cache);
}

static void test_resize(void **state) {
    source src;
    fh_cache *cache = new_cache(fh_test_allocator(state), &src, (fh_cache_config){.budget_bytes = 100, .shards = 2});
    fh_cache_ref a = acquire_ok(&src, 1, 30), none;
    touch(&src, 2, 30);
    touch(&src, 3, 30);
    fh_assert_ok(fh_cache_resize(cache, 60)); /* 2, the older idle one, goes */
    assert_true(!has(&src, 2) && has(&src, 3));
    fh_assert_code(fh_cache_resize(cache, 20), FH_AGAIN);
    assert_true(!has(&src, 3) && fh_cache_stats_get(cache).bytes == 30);
    fh_assert_code(acquire(&src, 4, 1, &none), FH_EXHAUSTED);
    fh_assert_code(acquire(&src, 4, 21, &none), FH_LIMIT);
    fh_assert_ok(fh_cache_pin(cache, 1));
    fh_assert_ok(fh_cache_drop(cache, a));
    assert_true(fh_cache_stats_get(cache).bytes == 30);
    fh_assert_ok(fh_cache_unpin(cache, 1)); /* idle now, and too much */
    assert_true(fh_cache_stats_get(cache).bytes == 0 && src.released == 3);
    fh_assert_code(fh_cache_resize(cache, 0), FH_OK);
    fh_assert_code(acquire(&src, 4, 1, &none), FH_LIMIT);
    fh_assert_ok(fh_cache_resize(cache, 60));
    a = acquire_ok(&src, 5, 40);
    fh_assert_code(fh_cache_resize(cache, 30), FH_AGAIN);
    fh_assert_ok(fh_cache_drop(cache, a)); /* the same by a drop */
    assert_true(fh_cache_stats_get(cache).bytes == 0 && !has(&src, 5));
    check(cache);
    fh_cache_free(cache);
}

/* Values and loads are limited in number too, and a leak of references ends in a refusal. */
static void test_counts(void **state) {
    source src;
    fh_cache *cache = new_cache(fh_test_allocator(state), &src,
                                (fh_cache_config){.budget_bytes = 100, .entries_max = 3, .refs_max = 3, .shards = 1});
    fh_cache_ref refs[3], none;
    for (uint64_t key = 0; key < 5; key++)
        touch(&src, key, 1);
    assert_true(fh_cache_stats_get(cache).entries == 3 && fh_cache_stats_get(cache).evictions == 2 && !has(&src, 1));
    for (size_t i = 0; i < 3; i++)
        refs[i] = acquire_ok(&src, 2, 1);
    fh_assert_code(acquire(&src, 2, 1, &none), FH_EXHAUSTED);
    fh_assert_code(fh_cache_get(cache, 2, &none, NULL), FH_EXHAUSTED);
    fh_assert_code(fh_cache_share(cache, refs[0], &none), FH_EXHAUSTED);
    fh_assert_code(acquire(&src, 9, 1, &none), FH_EXHAUSTED);
    assert_true(none.value == 0 && src.loads == 5);
    check(cache);
    fh_assert_ok(fh_cache_drop(cache, refs[0]));
    fh_assert_ok(fh_cache_drop(cache, refs[1]));
    refs[0] = acquire_ok(&src, 3, 1);
    refs[1] = acquire_ok(&src, 4, 1);
    fh_assert_ok(fh_cache_drop(cache, refs[2]));
    fh_assert_ok(fh_cache_pin(cache, 2));
    fh_assert_code(acquire(&src, 9, 1, &none), FH_EXHAUSTED); /* three entries, none idle */
    assert_true(fh_cache_stats_get(cache).no_room == 1);
    fh_assert_ok(fh_cache_drop(cache, refs[0]));
    fh_assert_ok(fh_cache_drop(cache, refs[1]));
    fh_cache_free(cache);
}

static void test_failing_load(void **state) {
    source src;
    fh_cache *cache = new_cache(fh_test_allocator(state), &src, (fh_cache_config){.budget_bytes = 100});
    fh_cache_ref none = {5};
    static const fh_code codes[] = {FH_IO, FH_CORRUPT, FH_AGAIN, FH_NOMEM};
    for (size_t i = 0; i < 4; i++) {
        src.fail = codes[i];
        fh_assert_code(acquire(&src, 1, 100, &none), codes[i]);
        assert_true(none.value == 0);
        fh_assert_code(fh_cache_get(cache, 1, &none, NULL), FH_NOT_FOUND);
        check(cache);
    }
    fh_cache_stats s = fh_cache_stats_get(cache);
    assert_true(s.loads == 4 && s.load_failures == 4 && s.bytes == 0 && s.entries == 0 && s.refs == 0 && src.released == 0);
    src.fail = FH_OK;
    touch(&src, 1, 100);
    fh_assert_code(fh_cache_acquire(cache, 2, &(fh_cache_loader){NULL, NULL, 1}, &none, NULL), FH_INVALID);
    fh_cache_free(cache);
}

static void test_pins(void **state) {
    source src;
    fh_cache *cache = new_cache(fh_test_allocator(state), &src, (fh_cache_config){.budget_bytes = 3});
    fh_cache_ref none;
    fh_assert_code(fh_cache_pin(cache, 1), FH_NOT_FOUND);
    fh_assert_code(fh_cache_unpin(cache, 1), FH_NOT_FOUND);
    for (uint64_t key = 1; key <= 3; key++)
        touch(&src, key, 1);
    fh_assert_code(fh_cache_unpin(cache, 1), FH_INVALID);
    fh_assert_ok(fh_cache_pin(cache, 1));
    fh_assert_ok(fh_cache_pin(cache, 1));
    fh_assert_ok(fh_cache_pin(cache, 2));
    fh_assert_code(fh_cache_remove(cache, 1), FH_BORROWED);
    touch(&src, 4, 1); /* evicts 3, though 1 and 2 are older */
    assert_true(has(&src, 1) && has(&src, 2) && !has(&src, 3));
    fh_assert_code(acquire(&src, 5, 2, &none), FH_EXHAUSTED);
    fh_assert_ok(fh_cache_unpin(cache, 1));
    fh_assert_code(acquire(&src, 5, 2, &none), FH_EXHAUSTED); /* one pin is left */
    fh_cache_clear(cache);
    assert_true(has(&src, 1) && has(&src, 2) && fh_cache_stats_get(cache).pinned == 2);
    fh_assert_ok(fh_cache_unpin(cache, 1));
    fh_assert_code(fh_cache_unpin(cache, 1), FH_INVALID);
    touch(&src, 5, 2);
    assert_true(!has(&src, 1));
    check(cache);
    fh_cache_free(cache);
    assert_true(src.released == src.loads); /* the pinned one too */
}

static void test_remove(void **state) {
    source src;
    fh_cache *cache = new_cache(fh_test_allocator(state), &src, (fh_cache_config){.budget_bytes = 100});
    fh_assert_code(fh_cache_remove(cache, 1), FH_NOT_FOUND);
    fh_cache_ref a = acquire_ok(&src, 1, 10), b;
    touch(&src, 2, 10);
    fh_assert_ok(fh_cache_remove(cache, 1));
    fh_assert_ok(fh_cache_remove(cache, 2));
    assert_true(src.released == 1);
    b = acquire_ok(&src, 1, 10); /* a new value beside the old one */
    void *va, *vb;
    fh_assert_ok(fh_cache_view(cache, a, &va));
    fh_assert_ok(fh_cache_view(cache, b, &vb));
    assert_ptr_not_equal(va, vb);
    for (uint64_t key = 10; key < 15; key++)
        touch(&src, key, 10);
    fh_cache_clear(cache);
    fh_cache_stats s = fh_cache_stats_get(cache);
    assert_true(s.entries == 0 && s.leaving == 2 && s.bytes == 20 && s.removals == 8 && src.released == 6);
    fh_assert_ok(fh_cache_drop(cache, a));
    fh_assert_ok(fh_cache_drop(cache, b));
    assert_true(src.released == 8);
    check(cache);
    fh_cache_free(cache);
}

/* --- loaders that use the cache ----------------------------------------------------------------------------------------- */

typedef struct chain {
    source *src;
    uint64_t last;  /* keys up to it are loaded from inside each other; the loader of the last asks for `again` */
    uint64_t again;
    fh_code got;
} chain;

static fh_status load_chain(void *ctx, uint64_t key, void **value) {
    chain *c = ctx;
    fh_cache_ref ref;
    fh_assert_code(fh_cache_get(c->src->cache, key, &ref, NULL), FH_AGAIN);
    fh_assert_code(fh_cache_pin(c->src->cache, key), FH_AGAIN);
    uint64_t next = key == c->last ? c->again : key + 1;
    fh_status s = fh_cache_acquire(c->src->cache, next, &(fh_cache_loader){load_chain, c, 1}, &ref, NULL);
    if (!fh_failed(s))
        fh_assert_ok(fh_cache_drop(c->src->cache, ref));
    if (key == c->last)
        c->got = s.code;
    return load_number(c->src, key, value);
}

/* A loader may load others; for one of those that wait for it, it could only wait for ever. */
static void test_self_wait(void **state) {
    source src;
    fh_cache *cache = new_cache(fh_test_allocator(state), &src, (fh_cache_config){.budget_bytes = 100});
    for (uint64_t again = 1; again <= 3; again++) {
        chain c = {&src, 3, again, FH_OK};
        fh_cache_ref ref;
        fh_assert_ok(fh_cache_acquire(cache, 1, &(fh_cache_loader){load_chain, &c, 1}, &ref, NULL));
        assert_int_equal(c.got, FH_INVALID);
        fh_assert_ok(fh_cache_drop(cache, ref));
        check(cache);
        fh_cache_clear(cache);
    }
    fh_cache_stats s = fh_cache_stats_get(cache);
    assert_true(s.self_waits == 3 && s.loads == 9 && s.load_failures == 0 && s.waits == 3);
    fh_cache_free(cache);
}

static fh_status load_and_remove(void *ctx, uint64_t key, void **value) {
    source *src = ctx;
    fh_assert_ok(fh_cache_remove(src->cache, key));
    fh_assert_code(fh_cache_remove(src->cache, key), FH_NOT_FOUND);
    assert_true(fh_cache_stats_get(src->cache).leaving == 1);
    touch(src, key, 1); /* another load of the same key, which is not in the map any more */
    return load_number(ctx, key, value);
}

static fh_status remove_and_fail(void *ctx, uint64_t key, void **value) {
    source *src = ctx;
    (void)value;
    fh_assert_ok(fh_cache_remove(src->cache, key));
    return FH_STATUS(FH_IO);
}

/* A load cut off from the map ends for those who wait for it. */
static void test_remove_while_loading(void **state) {
    source src;
    fh_cache *cache = new_cache(fh_test_allocator(state), &src, (fh_cache_config){.budget_bytes = 100});
    fh_cache_ref ref;
    fh_assert_ok(fh_cache_acquire(cache, 1, &(fh_cache_loader){load_and_remove, &src, 1}, &ref, NULL));
    assert_true(src.loads == 2 && has(&src, 1));
    check(cache);
    fh_assert_ok(fh_cache_drop(cache, ref));
    assert_true(src.released == 1 && has(&src, 1));
    fh_assert_code(fh_cache_acquire(cache, 2, &(fh_cache_loader){remove_and_fail, &src, 1}, &ref, NULL), FH_IO);
    assert_true(fh_cache_stats_get(cache).bytes == 1 && fh_cache_stats_get(cache).leaving == 0);
    check(cache);
    fh_cache_free(cache);
}

typedef struct nested_release {
    fh_cache *cache;
    fh_cache_ref held;
    unsigned releases;
} nested_release;

static fh_status load_nothing(void *ctx, uint64_t key, void **value) {
    (void)ctx;
    (void)key;
    (void)value;
    return FH_DONE;
}

static void release_drops(void *ctx, uint64_t key, void *value, uint64_t size_bytes) {
    nested_release *n = ctx;
    assert_true(value == NULL && size_bytes == 0 && key <= 2);
    if (n->releases++ == 0)
        fh_assert_ok(fh_cache_drop(n->cache, n->held));
}

/* Callbacks run outside the locks: a release may drop a reference, whose value is released then. Values may be NULL. */
static void test_release_uses_cache(void **state) {
    nested_release n = {.releases = 0};
    fh_cache_config c = {.shards = 1, .release = release_drops, .ctx = &n};
    fh_cache_ref ref;
    fh_assert_ok(fh_cache_new(fh_test_allocator(state), &c, &n.cache));
    fh_assert_ok(fh_cache_acquire(n.cache, 1, &(fh_cache_loader){load_nothing, NULL, 0}, &n.held, NULL));
    fh_assert_ok(fh_cache_acquire(n.cache, 2, &(fh_cache_loader){load_nothing, NULL, 0}, &ref, NULL));
    fh_cache_clear(n.cache);
    fh_assert_ok(fh_cache_drop(n.cache, ref));
    assert_true(n.releases == 2 && fh_cache_stats_get(n.cache).leaving == 0);
    fh_cache_free(n.cache);
}

/* --- order -------------------------------------------------------------------------------------------------------------- */

/* Hits of a trace of keys of one byte each. */
static uint64_t hits_of(fh_allocator *a, fh_u64s trace, uint64_t room, fh_cache_policy policy, uint32_t shards,
                        uint64_t *digest) {
    source src;
    fh_cache_config config = {.budget_bytes = room, .policy = policy, .shards = shards};
    if (policy == FH_CACHE_OPTIMUM)
        config.trace = trace;
    fh_cache *cache = new_cache(a, &src, config);
    for (size_t i = 0; i < trace.count; i++) {
        touch(&src, fh_u64s_get(trace, i), 1);
        *digest = fh_mix64(*digest ^ src.last_released);
    }
    uint64_t hits = fh_cache_stats_get(cache).hits;
    check(cache);
    fh_cache_free(cache);
    return hits;
}

/* The same calls evict the same values; the optimum is above all, and just what Belady says. */
static void test_order(void **state) {
    enum { TRACE = 6000, ROOM = 20 };
    static uint64_t keys[TRACE], next_use[4 * ROOM];
    fh_test_rng rng = fh_test_rng_new(8);
    for (size_t i = 0; i < TRACE; i++)
        keys[i] = fh_test_rng_below(&rng, 1 + fh_test_rng_below(&rng, 4 * ROOM));
    fh_u64s trace = {keys, TRACE};
    uint64_t optimum_digest = 0, optimum = hits_of(fh_test_allocator(state), trace, ROOM, FH_CACHE_OPTIMUM, 0, &optimum_digest);
    for (int policy = FH_CACHE_LRU; policy <= FH_CACHE_LFU; policy++)
        for (uint32_t shards = 1; shards <= 16; shards *= 4) {
            uint64_t first = 0, again = 0;
            uint64_t hits = hits_of(fh_test_allocator(state), trace, ROOM, (fh_cache_policy)policy, shards, &first);
            assert_true(hits_of(fh_test_allocator(state), trace, ROOM, (fh_cache_policy)policy, shards, &again) == hits);
            assert_true(first == again && hits < optimum && hits > optimum / 2);
        }
    /* Belady's rule, spelled out. */
    bool held[4 * ROOM] = {false};
    uint64_t hits = 0, count = 0;
    for (size_t t = 0; t < TRACE; t++) {
        size_t victim = SIZE_MAX;
        if (!held[keys[t]] && count == ROOM) {
            for (size_t k = 0; k < 4 * ROOM; k++) {
                next_use[k] = t;
                while (next_use[k] < TRACE && keys[next_use[k]] != k)
                    next_use[k]++;
                if (held[k] && (victim == SIZE_MAX || next_use[k] > next_use[victim]))
                    victim = k;
            }
            held[victim] = false;
            count--;
        }
        hits += held[keys[t]];
        count += !held[keys[t]];
        held[keys[t]] = true;
    }
    assert_true(hits == optimum);
}

static void test_off_trace(void **state) {
    source src;
    uint64_t keys[] = {1, 2, 1};
    fh_cache *cache = new_cache(fh_test_allocator(state), &src,
                                (fh_cache_config){.budget_bytes = 9, .policy = FH_CACHE_OPTIMUM, .trace = {keys, 3}});
    fh_cache_ref ref;
    keys[0] = 9; /* the cache has its own copy */
    fh_assert_code(acquire(&src, 2, 1, &ref), FH_INVALID);
    fh_assert_code(fh_cache_get(cache, 2, &ref, NULL), FH_INVALID);
    touch(&src, 1, 1);
    fh_assert_code(fh_cache_get(cache, 2, &ref, NULL), FH_NOT_FOUND);
    fh_assert_code(fh_cache_get(cache, 2, &ref, NULL), FH_INVALID);
    touch(&src, 1, 1);
    fh_assert_code(acquire(&src, 1, 1, &ref), FH_INVALID); /* past its end */
    fh_cache_free(cache);
}

static void test_bad_arguments(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    uint64_t key = 1;
    const fh_cache_config bad[] = {
        {.shards = 3},
        {.shards = 2 * FH_CACHE_SHARDS_MAX},
        {.entries_max = FH_CACHE_ENTRIES_MAX + 1},
        {.refs_max = FH_CACHE_REFS_MAX + 1},
        {.policy = (fh_cache_policy)4},
        {.policy = FH_CACHE_OPTIMUM},
        {.policy = FH_CACHE_OPTIMUM, .shards = 2, .trace = {&key, 1}},
        {.trace = {&key, 1}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fh_cache *cache = (fh_cache *)(void *)state;
        fh_assert_code(fh_cache_new(a, &bad[i], &cache), FH_INVALID);
        assert_null(cache);
    }
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).allocs, 0);
}

static fh_status use_up(fh_allocator *a, void *arg) {
    source src = {.a = a};
    uint64_t keys[40];
    fh_cache_config config = {.budget_bytes = 30, .shards = 1, .release = release_number, .ctx = &src};
    for (uint64_t i = 0; i < 40; i++)
        keys[i] = i % 35;
    if (arg != NULL)
        config = (fh_cache_config){.budget_bytes = 30, .policy = FH_CACHE_OPTIMUM, .trace = {keys, 40},
                                   .release = release_number, .ctx = &src};
    FH_TRY(fh_cache_new(a, &config, &src.cache));
    fh_status s = FH_DONE;
    for (size_t i = 0; i < 40 && !fh_failed(s); i++) {
        fh_cache_ref ref;
        s = acquire(&src, keys[i], 1, &ref);
        if (!fh_failed(s))
            fh_assert_ok(fh_cache_drop(src.cache, ref));
    }
    check(src.cache);
    fh_cache_free(src.cache);
    return s;
}

static void test_without_memory(void **state) {
    static int optimum;
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), use_up, NULL) > 45);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), use_up, &optimum) > 45);
}

/* With ages of few bits references wear out; none is ever given twice. */
static void test_references_wear_out(void **state) {
    enum { REFS = 2, LIVES = 7 };
    static uint64_t given[REFS * LIVES];
    fh_cache_config c = {.budget_bytes = 9, .refs_max = REFS, .shards = 1};
    fh_cache *cache;
    fh_cache_ref ref;
    size_t count = 0;
    fh_assert_ok(fh_cache_new_narrow(fh_test_allocator(state), &c, 4, &cache));
    while (fh_cache_acquire(cache, 1, &(fh_cache_loader){load_nothing, NULL, 0}, &ref, NULL).code == FH_OK) {
        assert_true(count < REFS * LIVES);
        for (size_t i = 0; i < count; i++)
            assert_true(given[i] != ref.value);
        given[count++] = ref.value;
        fh_assert_ok(fh_cache_drop(cache, ref));
    }
    assert_int_equal(count, REFS * LIVES);
    void *v;
    for (size_t i = 0; i < count; i++)
        fh_assert_code(fh_cache_view(cache, (fh_cache_ref){given[i]}, &v), FH_STALE);
    fh_cache_free(cache);
}

static void free_cache(void *arg) {
    fh_cache_free(arg);
}

static void test_free_in_use(void **state) {
    source src;
    fh_cache *cache = new_cache(fh_test_allocator(state), &src, (fh_cache_config){.budget_bytes = 9});
    fh_cache_ref ref = acquire_ok(&src, 1, 1);
    fh_assert_dies(free_cache, cache, "s->slots_live == 0");
    fh_assert_ok(fh_cache_drop(cache, ref));
    cache->bytes++;
    fh_assert_code(fh_cache_check(cache, NULL), FH_CORRUPT);
    cache->bytes--;
    cache->entries++;
    fh_assert_code(fh_cache_check(cache, NULL), FH_CORRUPT);
    cache->entries--;
    fh_cache_free(cache);
}

/* --- threads ------------------------------------------------------------------------------------------------------------ */

enum { THREADS = 4 };

static void run_threads(void *(*fn)(void *), void *args, size_t each) {
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fn, (uint8_t *)args + i * each), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

typedef struct flock {
    source *src;
    fh_code got;
    fh_cache_ref ref;
} flock;

/* Holds the load until all others wait for it. */
static fh_status load_for_all(void *ctx, uint64_t key, void **value) {
    flock *f = ctx;
    while (fh_cache_stats_get(f->src->cache).waits < THREADS - 1)
        fh_os_nap(10000);
    return load_number(f->src, key, value);
}

static void *acquire_one(void *arg) {
    flock *f = arg;
    f->got = fh_cache_acquire(f->src->cache, 1, &(fh_cache_loader){load_for_all, f, 5}, &f->ref, NULL).code;
    return NULL;
}

/* One load however many ask; its failure is everybody's, and leaves nothing. */
static void test_single_flight(void **state) {
    for (int fails = 0; fails <= 1; fails++) {
        source src;
        flock f[THREADS];
        fh_cache *cache = new_cache(fh_test_allocator(state), &src, (fh_cache_config){.budget_bytes = 9});
        src.fail = fails ? FH_IO : FH_OK;
        for (size_t i = 0; i < THREADS; i++)
            f[i] = (flock){&src, FH_OK, {0}};
        run_threads(acquire_one, f, sizeof f[0]);
        fh_cache_stats s = fh_cache_stats_get(cache);
        assert_true(src.loads == 1 && s.loads == 1 && s.misses == 1 && s.waits == THREADS - 1);
        assert_true(s.refs == (fails ? 0 : THREADS) && s.entries == !fails && s.bytes == (fails ? 0 : 5));
        for (size_t i = 0; i < THREADS; i++) {
            assert_int_equal(f[i].got, fails ? FH_IO : FH_OK);
            assert_true((f[i].ref.value == 0) == fails);
            if (!fails)
                fh_assert_ok(fh_cache_drop(cache, f[i].ref));
        }
        check(cache);
        fh_cache_free(cache);
        assert_true(src.released == !fails);
    }
}

typedef struct circle {
    source *src;
    uint64_t mine;
    uint32_t *loading;
    fh_code inner, outer;
} circle;

/* Loads one key and, once everybody loads theirs, asks for the next thread's. */
static fh_status load_circle(void *ctx, uint64_t key, void **value) {
    circle *c = ctx;
    fh_cache_ref ref;
    (void)fh_fetch_add(c->loading, 1, FH_ACQ_REL);
    while (fh_load(c->loading, FH_ACQUIRE) < THREADS)
        fh_os_nap(10000);
    fh_cache_loader loader = {load_number, c->src, 1};
    c->inner = fh_cache_acquire(c->src->cache, (key + 1) % THREADS, &loader, &ref, NULL).code;
    if (c->inner != FH_OK)
        return FH_STATUS(FH_CANCELED);
    fh_assert_ok(fh_cache_drop(c->src->cache, ref));
    return load_number(c->src, key, value);
}

static void *go_in_circle(void *arg) {
    circle *c = arg;
    fh_cache_ref ref;
    c->outer = fh_cache_acquire(c->src->cache, c->mine, &(fh_cache_loader){load_circle, c, 1}, &ref, NULL).code;
    if (c->outer == FH_OK)
        fh_assert_ok(fh_cache_drop(c->src->cache, ref));
    return NULL;
}

/* Each of the threads waits for the next one's load: the last to wait is refused, and the failure goes around. */
static void test_circle(void **state) {
    for (int round = 0; round < 20; round++) {
        source src;
        circle c[THREADS];
        uint32_t loading = 0;
        unsigned refused = 0, failed = 0;
        fh_cache *cache = new_cache(fh_test_allocator(state), &src, (fh_cache_config){.budget_bytes = 9});
        for (size_t i = 0; i < THREADS; i++)
            c[i] = (circle){&src, i, &loading, FH_OK, FH_OK};
        run_threads(go_in_circle, c, sizeof c[0]);
        for (size_t i = 0; i < THREADS; i++) {
            refused += c[i].inner == FH_INVALID;
            failed += c[i].outer == FH_CANCELED;
        }
        assert_true(refused == 1 && failed == THREADS && fh_cache_stats_get(cache).self_waits == 1);
        check(cache);
        fh_cache_free(cache);
    }
}

enum { CROWD_KEYS = 64, CROWD_BUDGET = 40 };

typedef struct crowd {
    source *src;
    uint64_t seed, failures;
} crowd;

static fh_status load_crowd(void *ctx, uint64_t key, void **value) {
    source *src = ctx;
    if (fh_fetch_add(&src->loads, 1, FH_RELAXED) % 16 == 0)
        return FH_STATUS(FH_CANCELED);
    uint64_t *v = fh_alloc(src->a, 1, sizeof *v);
    *v = key;
    *value = v;
    return FH_DONE;
}

static void release_crowd(void *ctx, uint64_t key, void *value, uint64_t size_bytes) {
    source *src = ctx;
    uint64_t *v = value;
    if (*v != key || size_bytes != 1 + key % 3)
        fh_assert_fail("a value was released that is not what was loaded", __FILE__, __LINE__, key, *v);
    *v = UINT64_MAX;
    (void)fh_fetch_add(&src->released, 1, FH_RELAXED);
    fh_free(src->a, v);
}

#define ALWAYS(condition) FH_ASSERT(condition) /* cmocka's assertions may not jump out of a thread */

static void crowd_use(crowd *c, fh_test_rng *rng, fh_cache_ref ref, uint64_t key) {
    fh_cache *cache = c->src->cache;
    fh_cache_ref more;
    void *v;
    ALWAYS(fh_cache_view(cache, ref, &v).code == FH_OK && *(uint64_t *)v == key);
    if (fh_test_rng_below(rng, 4) == 0) {
        ALWAYS(fh_cache_share(cache, ref, &more).code == FH_OK);
        ALWAYS(fh_cache_drop(cache, ref).code == FH_OK);
        ALWAYS(fh_cache_view(cache, more, &v).code == FH_OK && *(uint64_t *)v == key);
        ref = more;
    }
    ALWAYS(fh_cache_drop(cache, ref).code == FH_OK);
    fh_code again = fh_cache_drop(cache, ref).code;
    ALWAYS(again == FH_DOUBLE_FREE || again == FH_STALE);
}

static void *crowd_run(void *arg) {
    crowd *c = arg;
    fh_test_rng rng = fh_test_rng_new(c->seed);
    fh_cache *cache = c->src->cache;
    for (uint64_t n = fh_test_ops() / 100; n > 0; n--) {
        uint64_t key = fh_test_rng_below(&rng, 1 + fh_test_rng_below(&rng, CROWD_KEYS)), what = fh_test_rng_below(&rng, 64);
        fh_cache_ref ref;
        if (what < 56) {
            fh_cache_loader loader = {load_crowd, c->src, 1 + key % 3};
            fh_status s = what < 12 ? fh_cache_get(cache, key, &ref, NULL)
                                    : fh_cache_acquire(cache, key, &loader, &ref, NULL);
            if (s.code == FH_OK)
                crowd_use(c, &rng, ref, key);
            else
                ALWAYS(s.code == FH_CANCELED || s.code == FH_EXHAUSTED || s.code == FH_NOT_FOUND || s.code == FH_AGAIN);
        } else if (what < 60) {
            (void)!fh_cache_remove(cache, key).code;
        } else if (what < 63) {
            if (fh_cache_pin(cache, key).code == FH_OK)
                ALWAYS(fh_cache_unpin(cache, key).code == FH_OK);
        } else {
            (void)!fh_cache_resize(cache, CROWD_BUDGET - fh_test_rng_below(&rng, 8)).code;
        }
    }
    return NULL;
}

/* Threads do everything at once; values are what they should be while they are referenced, and each is released once. */
static void test_crowd(void **state) {
    for (int policy = FH_CACHE_LRU; policy <= FH_CACHE_LFU; policy++) {
        source src = {.a = fh_test_allocator(state)};
        fh_cache_config config = {.budget_bytes = CROWD_BUDGET,
                                  .shards = 1U << (2 * (unsigned)policy),
                                  .entries_max = 32,
                                  .policy = (fh_cache_policy)policy,
                                  .release = release_crowd,
                                  .ctx = &src};
        crowd c[THREADS];
        fh_assert_ok(fh_cache_new(src.a, &config, &src.cache));
        for (size_t i = 0; i < THREADS; i++)
            c[i] = (crowd){&src, i, 0};
        run_threads(crowd_run, c, sizeof c[0]);
        check(src.cache);
        fh_cache_stats s = fh_cache_stats_get(src.cache);
        assert_true(s.refs == 0 && s.leaving == 0 && s.loading == 0 && s.pinned == 0 && s.bytes_peak <= CROWD_BUDGET);
        assert_true(s.loads == src.loads && s.loads - s.load_failures == src.released + s.entries);
        assert_true(s.bytes <= s.budget_bytes);
        fh_cache_free(src.cache);
        assert_true(s.loads - s.load_failures == src.released);
    }
}

enum { RACES = 256 };

typedef struct race {
    source *src;
    fh_cache_ref *refs; /* RACES of them, dropped by all threads */
    uint32_t *ready;
    uint64_t won, stale, doubles;
} race;

static void *drop_all(void *arg) {
    race *r = arg;
    (void)fh_fetch_add(r->ready, 1, FH_ACQ_REL);
    while (fh_load(r->ready, FH_ACQUIRE) % THREADS != 0)
        fh_pause();
    for (size_t i = 0; i < RACES; i++) {
        void *v;
        fh_code seen = fh_cache_view(r->src->cache, r->refs[i], &v).code;
        ALWAYS(seen == FH_OK || seen == FH_STALE);
        fh_code code = fh_cache_drop(r->src->cache, r->refs[i]).code;
        r->won += code == FH_OK;
        r->stale += code == FH_STALE;
        r->doubles += code == FH_DOUBLE_FREE;
    }
    return NULL;
}

/* All threads drop the same references: each is dropped exactly once, whoever comes first. */
static void test_racing_drops(void **state) {
    source src;
    fh_cache *cache = new_cache(fh_test_allocator(state), &src, (fh_cache_config){.budget_bytes = 9, .shards = 1});
    static fh_cache_ref refs[RACES];
    uint64_t rounds = fh_test_ops() / 10000, won = 0, refused = 0;
    fh_cache_ref last = acquire_ok(&src, 1, 1);
    for (uint64_t round = 0; round < rounds; round++) {
        uint32_t ready = 0;
        race r[THREADS];
        for (size_t i = 0; i < RACES; i++)
            refs[i] = acquire_ok(&src, 1, 1);
        for (size_t i = 0; i < THREADS; i++)
            r[i] = (race){&src, refs, &ready, 0, 0, 0};
        run_threads(drop_all, r, sizeof r[0]);
        for (size_t i = 0; i < THREADS; i++) {
            won += r[i].won;
            refused += r[i].stale + r[i].doubles;
        }
    }
    assert_true(won == rounds * RACES && refused == (THREADS - 1) * won);
    assert_true(fh_cache_stats_get(cache).refs == 1);
    fh_assert_ok(fh_cache_drop(cache, last));
    check(cache);
    fh_cache_free(cache);
    print_message("%llu double drops of %llu references, none missed\n", (unsigned long long)refused, (unsigned long long)won);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_life),
        FH_TEST_ALLOC(test_references),
        FH_TEST_ALLOC(test_wrong_cache),
        FH_TEST_ALLOC(test_budget),
        FH_TEST_ALLOC(test_huge),
        FH_TEST_ALLOC(test_resize),
        FH_TEST_ALLOC(test_counts),
        FH_TEST_ALLOC(test_failing_load),
        FH_TEST_ALLOC(test_pins),
        FH_TEST_ALLOC(test_remove),
        FH_TEST_ALLOC(test_self_wait),
        FH_TEST_ALLOC(test_remove_while_loading),
        FH_TEST_ALLOC(test_release_uses_cache),
        FH_TEST_ALLOC(test_order),
        FH_TEST_ALLOC(test_off_trace),
        FH_TEST_ALLOC(test_bad_arguments),
        FH_TEST_ALLOC(test_without_memory),
        FH_TEST_ALLOC(test_references_wear_out),
        FH_TEST_ALLOC(test_free_in_use),
        FH_TEST_ALLOC(test_single_flight),
        FH_TEST_ALLOC(test_circle),
        FH_TEST_ALLOC(test_crowd),
        FH_TEST_ALLOC(test_racing_drops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
