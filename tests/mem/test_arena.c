/* test_arena.c: alignment, zeros, limits, pressure; scopes that end once and in order, and handles that know it; canaries. */
#include "fh_test.h"

#include <string.h>

#include "freehold/arena.h"
#include "freehold/memory.h"

static fh_arena *new_arena(void **state, size_t chunk_bytes, size_t limit_bytes) {
    fh_arena *arena = NULL;
    fh_arena_options o = {.chunk_bytes = chunk_bytes, .limit_bytes = limit_bytes};
    fh_assert_ok(fh_arena_new(fh_test_allocator(state), &o, &arena));
    return arena;
}

static fh_scope push(fh_arena *arena) {
    fh_scope scope;
    fh_assert_ok(fh_arena_push(arena, &scope));
    return scope;
}

static void check(const fh_arena *arena) {
    fh_err err = {0};
    fh_status s = fh_arena_check(arena, &err);
    if (fh_failed(s))
        fail_msg("%s", err.message);
}

static size_t used(const fh_arena *arena) {
    return (size_t)fh_arena_stats_get(arena).used_bytes;
}

static bool all_are(const uint8_t *at, size_t size, uint8_t byte) {
    for (size_t i = 0; i < size; i++)
        if (at[i] != byte)
            return false;
    return true;
}

static void test_alloc(void **state) {
    fh_arena *arena = new_arena(state, 4096, 0);
    static const struct {
        size_t count, size, align;
    } rows[] = {{1, 1, 16}, {1, 3, 16}, {9, 7, 16}, {8, 8, 64}, {1, 64, 64}, {1, 5000, 64}, {1, 1, 16}, {100, 41, 64}};
    size_t sum = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t *p = fh_arena_alloc(arena, rows[i].count, rows[i].size);
        size_t size = rows[i].count * rows[i].size;
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % rows[i].align, 0);
        assert_true(all_are(p, size, 0));
        memset(p, 0xee, size);
        sum += size;
        assert_true(used(arena) >= sum);
        check(arena);
    }
    size_t before = used(arena);
    assert_null(fh_arena_alloc(arena, 0, 8));
    assert_null(fh_arena_alloc(arena, 8, 0));
    assert_null(fh_arena_alloc(arena, SIZE_MAX / 8 + 2, 8)); /* 8, if it could overflow */
    static const size_t huge[] = {SIZE_MAX, SIZE_MAX - 15, SIZE_MAX - 64, SIZE_MAX / 2, SIZE_MAX / 4, SIZE_MAX / 4 + 1};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++)
        assert_null(fh_arena_alloc(arena, 1, huge[i]));
    assert_int_equal(used(arena), before);
    check(arena);
    fh_arena_free(arena);
    fh_arena_free(NULL);
}

static void test_copy(void **state) {
    fh_arena *arena = new_arena(state, 0, 2048);
    fh_span out = FH_LIT("before");
    fh_assert_ok(fh_arena_copy(arena, FH_LIT("text"), &out));
    fh_assert_span(out, "text");
    fh_assert_ok(fh_arena_copy(arena, (fh_span){NULL, 0}, &out));
    assert_int_equal(out.size, 0);
    static const uint8_t big[4096];
    fh_assert_code(fh_arena_copy(arena, (fh_span){big, sizeof big}, &out), FH_NOMEM);
    assert_true(out.at == NULL && out.size == 0);
    assert_string_equal(fh_arena_name(arena), "arena");
    fh_arena_free(arena);
}

/* The limit bounds what is asked of the allocator, and all of it can be used. */
static void test_limit(void **state) {
    fh_trace *t = fh_test_trace(state);
    fh_arena *arena = new_arena(state, 1024, 2560);
    size_t extra = fh_arena_stats_get(arena).hardened ? 128 : 0; /* what guards an allocation */
    uint64_t empty = fh_trace_stats(t).live_bytes;
    assert_non_null(fh_arena_alloc(arena, 1, 1024 - extra));
    assert_non_null(fh_arena_alloc(arena, 1, 1024 - extra));
    size_t before = used(arena);
    assert_null(fh_arena_alloc(arena, 1, 513));
    assert_int_equal(used(arena), before);
    assert_non_null(fh_arena_alloc(arena, 1, 512 - extra)); /* less than a whole chunk was left */
    if (extra == 0)
        assert_null(fh_arena_alloc(arena, 1, 1));
    assert_int_equal(fh_trace_stats(t).live_bytes - empty, 2560);
    check(arena);
    fh_arena_free(arena);

    arena = new_arena(state, 1024, 1536); /* nothing is taken for a request that is refused */
    assert_non_null(fh_arena_alloc(arena, 1, 100));
    fh_arena_stats stats = fh_arena_stats_get(arena);
    assert_null(fh_arena_alloc(arena, 1, 1200));
    assert_true(used(arena) == stats.used_bytes && fh_arena_stats_get(arena).committed_bytes == stats.committed_bytes);
    fh_arena_free(arena);

    arena = new_arena(state, 1 << 20, 4096); /* a limit below the chunk */
    assert_null(fh_arena_alloc(arena, 1, 4097));
    assert_non_null(fh_arena_alloc(arena, 1, 4096 - extra));
    fh_arena_free(arena);

    arena = new_arena(state, 1024, 16384); /* spare chunks do not stand in the way of a large request */
    fh_scope scope = push(arena);
    for (size_t i = 0; i < 6; i++)
        assert_non_null(fh_arena_alloc(arena, 1, 1000));
    fh_assert_ok(fh_arena_pop(arena, scope));
    assert_true(fh_arena_stats_get(arena).chunks > 2);
    assert_non_null(fh_arena_alloc(arena, 1, 15000));
    check(arena);
    fh_arena_free(arena);
}

static void test_scopes(void **state) {
    fh_trace *t = fh_test_trace(state);
    fh_arena *arena = new_arena(state, 1024, 0);
    fh_scope start = push(arena); /* before the first chunk */
    uint8_t *first = fh_arena_alloc(arena, 1, 20);
    memset(first, 1, 20);
    size_t before = used(arena);
    fh_scope scope = push(arena);
    uint8_t *second = fh_arena_alloc(arena, 1, 100);
    memset(second, 2, 100);
    memset(fh_arena_alloc(arena, 1, 3000), 3, 3000); /* goes past a size of chunk */
    memset(fh_arena_alloc(arena, 1, 900), 4, 900);
    uint64_t live = fh_trace_stats(t).live, peak = used(arena);
    assert_int_equal(fh_arena_stats_get(arena).scopes, 2);
    fh_assert_ok(fh_arena_pop(arena, scope));
    assert_int_equal(used(arena), before);
    assert_int_equal(fh_arena_stats_get(arena).peak_bytes, peak);
    assert_int_equal(fh_trace_stats(t).live, live); /* chunks stay for the next round */
    assert_true(all_are(first, 20, 1));

    scope = push(arena);
    uint8_t *again = fh_arena_alloc(arena, 1, 100);
    assert_ptr_equal(again, second); /* the same place */
    assert_non_null(fh_arena_alloc(arena, 1, 3000));
    assert_non_null(fh_arena_alloc(arena, 1, 900));
    assert_int_equal(fh_trace_stats(t).live, live); /* nothing new was needed */
    fh_assert_ok(fh_arena_pop(arena, scope));
    fh_assert_ok(fh_arena_pop(arena, start));
    assert_int_equal(used(arena), 0);
    assert_true(fh_arena_trim(arena) > 0);
    assert_int_equal(fh_arena_stats_get(arena).committed_bytes, 0);
    assert_int_equal(fh_trace_stats(t).live, 1);
    check(arena);
    assert_non_null(fh_arena_alloc(arena, 1, 1));
    check(arena);
    assert_int_equal(fh_arena_trim(arena), 0); /* the chunk in use stays */

    scope = push(arena);
    fh_assert_code(fh_arena_reset(arena), FH_BORROWED);
    fh_assert_ok(fh_arena_pop(arena, scope));
    fh_assert_ok(fh_arena_reset(arena));
    assert_int_equal(used(arena), 0);
    check(arena);
    fh_arena_free(arena);
}

/* Whatever was written into a popped scope reads as zeros when it is handed out again, in each size and at each offset. */
static void test_zero_again(void **state) {
    fh_arena *arena = new_arena(state, 1024, 0);
    fh_test_rng rng = fh_test_rng_new(5);
    for (int round = 0; round < 300; round++) {
        fh_scope scope = push(arena);
        for (size_t i = 0, n = 1 + fh_test_rng_below(&rng, 20); i < n; i++) {
            size_t size = 1 + fh_test_rng_below(&rng, round % 7 == 0 ? 3000 : 150);
            uint8_t *p = fh_arena_alloc(arena, 1, size);
            assert_true(p != NULL && all_are(p, size, 0));
            memset(p, 0xff, size);
        }
        fh_assert_ok(fh_arena_pop(arena, scope));
    }
    fh_arena_free(arena);
}

static void test_stale_scopes(void **state) {
    fh_arena *arena = new_arena(state, 1024, 0), *other = new_arena(state, 1024, 0);
    fh_assert_code(fh_arena_pop(arena, (fh_scope){0}), FH_STALE);

    fh_scope outer = push(arena);
    uint8_t *p = fh_arena_alloc(arena, 1, 8);
    *p = 9;
    fh_scope inner = push(arena);
    fh_assert_code(fh_arena_pop(arena, outer), FH_STALE); /* not the innermost */
    fh_assert_ok(fh_arena_pop(arena, inner));
    fh_assert_code(fh_arena_pop(arena, inner), FH_STALE); /* popped already */
    fh_scope fresh = push(arena);                          /* at the same depth */
    assert_true(fresh.id % 64 == inner.id % 64 && fresh.id != inner.id);
    fh_assert_code(fh_arena_pop(arena, inner), FH_STALE);
    assert_int_equal(*p, 9); /* nothing of this ended anything */

    fh_arena_handle root;
    fh_scope theirs = push(other), theirs_2 = push(other);
    assert_true(theirs_2.id % 64 == fresh.id % 64);
    fh_assert_code(fh_arena_pop(arena, theirs_2), FH_STALE); /* another arena's */
    fh_assert_code(fh_arena_pop(other, fresh), FH_STALE);
    fh_assert_ok(fh_arena_pop(arena, fresh));
    fh_assert_ok(fh_arena_pop(arena, outer));
    fh_assert_ok(fh_arena_pop(other, theirs_2));
    fh_assert_ok(fh_arena_pop(other, theirs));
    fh_assert_code(fh_arena_pop(arena, outer), FH_STALE); /* no scope is open */
    fh_assert_ok(fh_arena_place(arena, 1, 1, &root));
    fh_assert_code(fh_arena_pop(arena, (fh_scope){root.scope}), FH_STALE); /* and the root is none */
    assert_int_equal(fh_arena_stats_get(arena).stale_uses, 7);
    fh_arena_free(arena);
    fh_arena_free(other);
}

static void test_depth(void **state) {
    fh_arena *arena = new_arena(state, 1024, 0);
    fh_scope scopes[FH_ARENA_SCOPES_MAX], one_more = {1};
    for (int i = 0; i < FH_ARENA_SCOPES_MAX; i++) {
        scopes[i] = push(arena);
        assert_non_null(fh_arena_alloc(arena, 1, 100));
        check(arena);
    }
    fh_assert_code(fh_arena_push(arena, &one_more), FH_LIMIT);
    assert_int_equal(one_more.id, 0);
    for (int i = FH_ARENA_SCOPES_MAX; i-- > 0;)
        fh_assert_ok(fh_arena_pop(arena, scopes[i]));
    assert_int_equal(used(arena), 0);
    fh_arena_free(arena);
}

/* --- handles -------------------------------------------------------------------------------------------------------------- */

static void test_handles(void **state) {
    fh_arena *arena = new_arena(state, 1024, 0), *other = new_arena(state, 1024, 0);
    fh_arena_handle root, h, big, none = {1, 2, 3};
    void *at = state, *same;
    fh_assert_code(fh_arena_place(arena, 0, 8, &none), FH_INVALID);
    assert_int_equal(none.scope, 0);
    fh_assert_code(fh_arena_place(arena, 8, 0, &none), FH_INVALID);
    fh_assert_code(fh_arena_place(arena, SIZE_MAX, 8, &none), FH_NOMEM);
    fh_assert_code(fh_arena_get(arena, none, 0, &at), FH_STALE);
    assert_null(at);

    fh_assert_ok(fh_arena_place(arena, 5, 4, &root));
    fh_scope scope = push(arena);
    fh_assert_ok(fh_arena_place(arena, 1, 48, &h));
    fh_assert_ok(fh_arena_place(arena, 1, 100000, &big));
    fh_assert_ok(fh_arena_get(arena, h, 48, &at));
    memset(at, 5, 48);
    fh_assert_ok(fh_arena_get(arena, h, 1, &same));
    assert_ptr_equal(same, at);
    fh_assert_code(fh_arena_get(arena, h, 49, &same), FH_INVALID);
    assert_null(same);
    fh_assert_ok(fh_arena_get(arena, big, 100000, &at));
    memset(at, 6, 100000);
    fh_assert_ok(fh_arena_get(arena, root, 20, &at)); /* an outer scope's, while an inner one is open */
    memset(at, 7, 20);
    fh_assert_code(fh_arena_get(other, root, 20, &same), FH_STALE);

    fh_arena_handle forged[] = {h, h, h, h};
    forged[0].at += 1 << 20;       /* past all chunks */
    forged[1].at = UINT64_MAX;
    forged[2].size_bytes = 1 << 20; /* past the end of the chunk */
    forged[3].at = big.at - 64;    /* not handed out */
    for (size_t i = 0; i < 4; i++)
        fh_assert_code(fh_arena_get(arena, forged[i], 1, &at), FH_STALE);

    fh_assert_ok(fh_arena_pop(arena, scope));
    fh_assert_code(fh_arena_get(arena, h, 48, &at), FH_STALE);
    scope = push(arena); /* the arena grows past the place again */
    fh_arena_handle next;
    fh_assert_ok(fh_arena_place(arena, 1, 48, &next));
    assert_int_equal(next.at, h.at);
    fh_assert_code(fh_arena_get(arena, h, 48, &at), FH_STALE);
    fh_assert_ok(fh_arena_get(arena, next, 48, &at));
    assert_true(all_are(at, 48, 0));
    fh_assert_ok(fh_arena_pop(arena, scope));
    fh_assert_ok(fh_arena_get(arena, root, 20, &at));
    assert_true(all_are(at, 20, 7));
    fh_assert_ok(fh_arena_reset(arena));
    fh_assert_code(fh_arena_get(arena, root, 20, &at), FH_STALE);
    fh_arena_free(arena);
    fh_arena_free(other);
}

/* Two arenas that did the same things do not take each other's handles and scopes. */
static void test_twins(void **state) {
    fh_arena *arena[2];
    fh_arena_handle h[2];
    fh_scope scope[2];
    void *at;
    for (size_t i = 0; i < 2; i++) {
        arena[i] = new_arena(state, 1024, 1536); /* the second chunk is smaller than its share of the numbers */
        fh_assert_ok(fh_arena_place(arena[i], 1, 100, &h[i]));
        scope[i] = push(arena[i]);
        assert_non_null(fh_arena_alloc(arena[i], 1, 700));
        assert_non_null(fh_arena_alloc(arena[i], 1, 400));
        assert_int_equal(fh_arena_stats_get(arena[i]).committed_bytes, 1536);
    }
    assert_int_equal(h[0].at, h[1].at);
    fh_assert_code(fh_arena_get(arena[0], h[1], 1, &at), FH_STALE);
    fh_assert_code(fh_arena_pop(arena[0], scope[1]), FH_STALE);
    h[0].at = 1024 + 600;
    fh_assert_code(fh_arena_get(arena[0], h[0], 1, &at), FH_STALE);
    fh_arena_free(arena[0]);
    fh_arena_free(arena[1]);
}

/* A result goes from the innermost scope to the root, whatever lay before and after it, and whichever chunk it was in. */
static void test_keep(void **state) {
    static const size_t sizes[] = {1, 16, 63, 64, 100, 700, 1024, 1500, 5000, 70000};
    fh_arena *arena = new_arena(state, 1024, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t before = 0; before < 5000; before = 3 * before + 50) {
            fh_arena_handle kept, root;
            void *at;
            fh_assert_ok(fh_arena_place(arena, 1, 30, &root));
            fh_assert_ok(fh_arena_get(arena, root, 30, &at));
            memset(at, 1, 30);
            fh_scope outer = push(arena), inner = push(arena);
            memset(fh_arena_alloc(arena, 1, before + 1), 2, before + 1);
            fh_assert_ok(fh_arena_place(arena, 1, sizes[i], &kept));
            fh_assert_ok(fh_arena_get(arena, kept, sizes[i], &at));
            memset(at, 3, sizes[i]);
            memset(fh_arena_alloc(arena, 1, 200), 4, 200);
            fh_arena_handle old = kept;
            fh_assert_code(fh_arena_keep(arena, outer, &kept), FH_STALE); /* not the innermost */
            fh_assert_ok(fh_arena_keep(arena, inner, &kept));
            fh_assert_code(fh_arena_get(arena, old, 1, &at), FH_STALE);
            check(arena);
            assert_true(kept.at >= old.at || old.at >= 1023); /* from the top of a chunk downward; never in a later chunk */
            fh_assert_ok(fh_arena_keep(arena, outer, &kept));
            check(arena);
            uint8_t *junk = fh_arena_alloc(arena, 1, 300);
            assert_true(all_are(junk, 300, 0));
            memset(junk, 5, 300);
            fh_assert_ok(fh_arena_get(arena, kept, sizes[i], &at));
            assert_true(all_are(at, sizes[i], 3));
            fh_assert_ok(fh_arena_get(arena, root, 30, &at));
            assert_true(all_are(at, 30, 1));

            fh_scope scope = push(arena);
            old = kept;
            fh_assert_ok(fh_arena_keep(arena, scope, &kept)); /* an outer scope's handle stays */
            assert_memory_equal(&old, &kept, sizeof old);
            scope = push(arena);
            fh_arena_handle stale = {inner.id, kept.at, kept.size_bytes};
            fh_assert_code(fh_arena_keep(arena, scope, &stale), FH_STALE);
            fh_assert_ok(fh_arena_pop(arena, scope)); /* it is still open */
            if (i % 2 == 0)
                fh_assert_ok(fh_arena_reset(arena));
        }
    fh_arena_free(arena);
}

/* --- pressure ------------------------------------------------------------------------------------------------------------- */

typedef struct told {
    fh_arena *arena;
    unsigned calls, last;
    size_t used;
} told;

static void on_pressure(void *ctx, const fh_arena *arena, unsigned percent) {
    told *t = ctx;
    fh_scope scope;
    fh_arena_handle h = {0};
    t->calls++;
    t->last = percent;
    t->used = used(arena);
    assert_ptr_equal(arena, t->arena);
    assert_null(fh_arena_alloc(t->arena, 1, 1)); /* the arena is busy */
    fh_assert_code(fh_arena_place(t->arena, 1, 1, &h), FH_NOMEM);
    fh_assert_code(fh_arena_push(t->arena, &scope), FH_BORROWED);
    fh_assert_code(fh_arena_pop(t->arena, scope), FH_BORROWED);
    fh_assert_code(fh_arena_keep(t->arena, scope, &h), FH_BORROWED);
    fh_assert_code(fh_arena_reset(t->arena), FH_BORROWED);
    (void)fh_arena_trim(t->arena);
}

static void test_pressure(void **state) {
    static const bool hard[] = {false, true};
    for (size_t k = 0; k < 2; k++) {
        told t = {0};
        fh_arena_options o = {
            .chunk_bytes = 1024, .limit_bytes = 100032, .pressure = on_pressure, .ctx = &t, .hardened = hard[k]};
        fh_assert_ok(fh_arena_new(fh_test_allocator(state), &o, &t.arena));
        fh_scope scope = push(t.arena);
        for (int round = 0; round < 3; round++) {
            size_t before = 0;
            t.calls = 0;
            while (fh_arena_alloc(t.arena, 1, 16) != NULL) {
                size_t now = used(t.arena);
                unsigned expected = now >= 90028 ? 2 : now >= 75024; /* 75 and 90 percent, rounded down */
                assert_int_equal(t.calls, expected);
                if (expected > 0 && before < (expected == 1 ? 75024 : 90028)) {
                    assert_int_equal(t.last, expected == 1 ? 75 : 90); /* at the very allocation that crosses */
                    assert_int_equal(t.used, now);
                }
                before = now;
            }
            assert_int_equal(t.calls, 2);
            check(t.arena);
            fh_assert_ok(fh_arena_pop(t.arena, scope));
            scope = push(t.arena);
        }
        t.calls = 0;
        assert_non_null(fh_arena_alloc(t.arena, 1, 30000)); /* leaves the end of a chunk behind */
        assert_non_null(fh_arena_alloc(t.arena, 1, 30000));
        while (t.calls == 0)
            assert_non_null(fh_arena_alloc(t.arena, 1, 1000));
        assert_true(t.used >= 75024 && t.last == (t.used >= 90028 ? 90 : 75));
        fh_arena_free(t.arena);
    }
}

/* One allocation that crosses both levels tells of both. */
static void test_pressure_at_once(void **state) {
    told t = {0};
    fh_arena_options o = {.chunk_bytes = 16384, .limit_bytes = 16384, .pressure = on_pressure, .ctx = &t};
    fh_assert_ok(fh_arena_new(fh_test_allocator(state), &o, &t.arena));
    assert_non_null(fh_arena_alloc(t.arena, 1, 16000));
    assert_true(t.calls == 2 && t.last == 90);
    fh_arena_free(t.arena);
}

/* --- guards --------------------------------------------------------------------------------------------------------------- */

static fh_arena *new_hardened(void **state) {
    fh_arena *arena = NULL;
    fh_assert_ok(fh_arena_new(fh_test_allocator(state), &(fh_arena_options){.chunk_bytes = 1024, .hardened = true}, &arena));
    return arena;
}

/* Each byte behind an allocation up to the next one, and before it, is watched. */
static void test_overwritten(void **state) {
#ifdef FH_TEST_ASAN
    (void)state;
    (void)new_hardened;
    fh_test_skip("the address sanitizer ends the program before the canary is looked at");
#else
    static const size_t sizes[] = {1, 15, 16, 17, 63, 64, 65, 100, 2000};
    fh_test_skip_on_valgrind("reports each write that this test makes on purpose");
    fh_arena *arena = new_hardened(state);
    uint64_t found = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (ptrdiff_t offset = -32; offset < 16; offset++) {
            fh_scope outer = push(arena);
            uint8_t *whole = fh_arena_alloc(arena, 1, 40);
            fh_scope scope = push(arena);
            assert_non_null(fh_arena_alloc(arena, 1, 24));
            uint8_t *p = fh_arena_alloc(arena, 1, sizes[i]);
            assert_non_null(fh_arena_alloc(arena, 1, 8));
            assert_int_equal((uintptr_t)p % (sizes[i] >= 64 ? 64 : 16), 0);
            check(arena);
            p[offset < 0 ? offset : (ptrdiff_t)sizes[i] + offset] ^= 0x40;
            fh_err err = {0};
            fh_assert_code(fh_arena_check(arena, &err), FH_OVERWRITTEN);
            fh_assert_err(&err, FH_OVERWRITTEN, "arena \"arena\": 1 allocations");
            fh_assert_code(fh_arena_pop(arena, scope), FH_OVERWRITTEN); /* and the scope has ended */
            assert_int_equal(fh_arena_stats_get(arena).overwritten, ++found);
            memset(whole, 1, 40); /* within its bounds */
            check(arena);
            fh_assert_ok(fh_arena_pop(arena, outer));
        }
    fh_arena_handle h;
    void *at;
    fh_scope scope = push(arena);
    fh_assert_ok(fh_arena_place(arena, 1, 20, &h));
    fh_assert_ok(fh_arena_get(arena, h, 20, &at));
    memcpy(at, "twenty bytes of text!", 21);
    fh_assert_code(fh_arena_keep(arena, scope, &h), FH_OVERWRITTEN); /* kept all the same */
    fh_assert_ok(fh_arena_get(arena, h, 20, &at));
    assert_memory_equal(at, "twenty bytes of text", 20);
    check(arena);
    fh_arena_free(arena);
#endif
}

static void touch_after_pop(void *arg) {
    fh_scope scope;
    if (fh_failed(fh_arena_push(arg, &scope)))
        return;
    volatile uint8_t *p = fh_arena_alloc(arg, 1, 40);
    if (fh_failed(fh_arena_pop(arg, scope)))
        return;
    p[39] = 1;
}

static void touch_tail(void *arg) {
    volatile uint8_t *p = fh_arena_alloc(arg, 1, 40);
    p[40] = 1;
}

static void touch_next(void *arg) {
    volatile uint8_t *p = fh_arena_alloc(arg, 1, 64);
    if (fh_arena_alloc(arg, 1, 64) == NULL)
        return;
    p[-1] = 1;
}

/* AddressSanitizer sees what the arena has not handed out, and what lies between allocations. */
static void test_poison(void **state) {
    void (*const fns[])(void *) = {touch_after_pop, touch_tail, touch_next};
#ifndef FH_TEST_ASAN
    (void)state;
    (void)fns;
    fh_test_skip("this build has no address sanitizer");
#else
    fh_arena *arena = new_arena(state, 4096, 0);
    for (size_t i = 0; i < 3; i++) {
        char said[8192];
        int status = fh_test_child(fns[i], arena, said, sizeof said);
        assert_int_not_equal(status, 0); /* a signal or an exit status, as ASAN_OPTIONS says */
        assert_non_null(strstr(said, "use-after-poison"));
    }
    fh_arena_free(arena);
#endif
}

/* --- reports -------------------------------------------------------------------------------------------------------------- */

static void test_listed(void **state) {
    fh_arena *arena;
    fh_memory m;
    fh_scope scope;
    fh_assert_ok(fh_arena_new(fh_test_allocator(state), &(fh_arena_options){.chunk_bytes = 4096, .name = "requests"}, &arena));
    scope = push(arena);
    assert_non_null(fh_arena_alloc(arena, 1, 3000));
    size_t peak = used(arena);
    fh_assert_ok(fh_arena_pop(arena, scope));
    fh_assert_code(fh_arena_pop(arena, scope), FH_STALE);
    assert_non_null(fh_arena_alloc(arena, 1, 1000));
    fh_assert_ok(fh_memory_look(fh_test_allocator(state), &m));
    assert_int_equal(m.rows.count, 2);
    fh_memory_row row = fh_memory_rows_get(m.rows, 1);
    assert_string_equal(row.name.text, "requests");
    assert_true(row.kind == FH_MEMORY_ARENA && row.peak_bytes == peak && row.refusals == 1 && row.heap_bytes == 0);
    assert_true(row.live.bytes >= 1000 && row.live.bytes <= used(arena));
    assert_int_equal(row.live.bytes + row.cached.bytes, fh_arena_stats_get(arena).committed_bytes);
    assert_true(row.committed_bytes > row.live.bytes + row.cached.bytes && row.reserved_bytes == row.committed_bytes);
    fh_memory_deinit(&m);
    fh_arena_free(arena);
    fh_assert_ok(fh_memory_look(fh_test_allocator(state), &m));
    assert_int_equal(m.rows.count, 1);
    fh_memory_deinit(&m);
}

/* --- failing memory ------------------------------------------------------------------------------------------------------- */

static fh_status body(fh_allocator *a, void *arg) {
    fh_arena *arena;
    fh_scope scope;
    fh_arena_handle h = {0};
    (void)arg;
    FH_TRY(fh_arena_new(a, &(fh_arena_options){.chunk_bytes = 1024}, &arena));
    fh_status s = fh_arena_push(arena, &scope);
    for (size_t i = 0; i < 10; i++)
        if (fh_arena_alloc(arena, 1, 300 * i + 1) == NULL)
            s = FH_STATUS(FH_NOMEM);
    if (fh_failed(fh_arena_place(arena, 1, 50000, &h)))
        s = FH_STATUS(FH_NOMEM);
    if (fh_failed(fh_arena_check(arena, NULL)) || fh_failed(h.scope == 0 ? fh_arena_pop(arena, scope)
                                                                          : fh_arena_keep(arena, scope, &h)))
        s = FH_STATUS(FH_CORRUPT);
    fh_arena_free(arena);
    return s;
}

static void test_without_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL) >= 5);
    fh_arena *arena = new_arena(state, 1 << 20, 0); /* a chunk of 1 MiB is refused: a smaller one serves */
    fh_trace_budget(fh_test_trace(state), 200000);
    assert_non_null(fh_arena_alloc(arena, 1, 100));
    assert_true(fh_arena_stats_get(arena).committed_bytes <= 200000);
    assert_null(fh_arena_alloc(arena, 1, 200000));
    check(arena);
    fh_trace_budget(fh_test_trace(state), 0);
    assert_non_null(fh_arena_alloc(arena, 1, 200000));
    check(arena);
    fh_arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_alloc),      FH_TEST_ALLOC(test_copy),         FH_TEST_ALLOC(test_limit),
        FH_TEST_ALLOC(test_scopes),     FH_TEST_ALLOC(test_zero_again),   FH_TEST_ALLOC(test_stale_scopes),
        FH_TEST_ALLOC(test_depth),      FH_TEST_ALLOC(test_handles),      FH_TEST_ALLOC(test_keep), FH_TEST_ALLOC(test_twins),
        FH_TEST_ALLOC(test_pressure),   FH_TEST_ALLOC(test_pressure_at_once), FH_TEST_ALLOC(test_overwritten),
        FH_TEST_ALLOC(test_poison),     FH_TEST_ALLOC(test_listed),       FH_TEST_ALLOC(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
