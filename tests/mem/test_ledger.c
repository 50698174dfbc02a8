/* test_ledger.c: owners enter, are read while they work, and leave; the sums are right. Runs under ThreadSanitizer. */
#define _GNU_SOURCE 1

#include "fh_test.h"

#include <pthread.h>
#include <string.h>

#include "freehold/arena.h"
#include "freehold/atomic.h"
#include "freehold/cache.h"
#include "freehold/os.h"
#include "freehold/page.h"
#include "freehold/pool.h"

/* An owner that owns nothing: its numbers are what the test says. */
typedef struct owner {
    fh_ledger_node node;
    const char *name;
    uint64_t live, heap;
    uint64_t behind; /* by so much the committed bytes were read too early */
} owner;

static void fill(const void *self, fh_memory_row *row) {
    const owner *o = self;
    row->name = fh_memory_label_of(fh_span_of_str(o->name));
    row->object_bytes = 8;
    row->live = (fh_memory_part){fh_load(&o->live, FH_RELAXED), 8 * fh_load(&o->live, FH_RELAXED)};
    row->committed_bytes = row->live.bytes + o->heap - o->behind;
    row->reserved_bytes = 1000000;
    row->heap_bytes = o->heap;
}

static void enter(owner *o, const char *name, uint64_t live, uint64_t heap) {
    *o = (owner){.name = name, .live = live, .heap = heap};
    fh_ledger_enter(&o->node, FH_MEMORY_POOL, fill, o);
}

/* The index of an owner's row; 0 if it has none. */
static size_t find(const fh_memory *m, const char *name, size_t *count) {
    size_t found = 0;
    *count = 0;
    for (size_t i = 1; i < m->rows.count; i++) {
        if (strcmp(fh_memory_rows_at(m->rows, i)->name.text, name) == 0) {
            found = i;
            ++*count;
        }
    }
    return found;
}

static void test_list(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_memory m;
    fh_assert_ok(fh_memory_look(a, &m));
    size_t before = m.rows.count;
    fh_memory_deinit(&m);
    fh_memory_deinit(&m);

    owner o[5];
    const char *names[] = {"a", "b", "c", "d", "e"};
    /* Every order in which three of five may leave, the first and the last among them. */
    for (unsigned gone = 0; gone < 32; gone++) {
        for (size_t i = 0; i < 5; i++)
            enter(&o[i], names[i], i, 0);
        size_t left = 5;
        for (size_t k = 0; k < 5; k++) {
            size_t i = gone % 2 == 0 ? k : 4 - k;
            if ((gone >> i & 1) != 0) {
                fh_ledger_leave(&o[i].node);
                left--;
            }
        }
        fh_assert_ok(fh_memory_look(a, &m));
        assert_int_equal(m.rows.count, before + left);
        uint64_t id = 0;
        for (size_t i = 0; i < 5; i++) {
            size_t count, at = find(&m, names[i], &count);
            assert_int_equal(count, 1 - (gone >> i & 1));
            if (count == 0)
                continue;
            const fh_memory_row *row = fh_memory_rows_at(m.rows, at);
            assert_true(row->kind == FH_MEMORY_POOL && row->id > id && row->live.count == i && row->live.bytes == 8 * i);
            id = row->id;
        }
        fh_memory_deinit(&m);
        for (size_t i = 0; i < 5; i++)
            fh_ledger_leave(&o[i].node); /* for those that left already, nothing */
    }
    fh_assert_ok(fh_memory_look(a, &m));
    assert_int_equal(m.rows.count, before);
    fh_memory_deinit(&m);
}

/* As many owners as a look has room for at first, one more, and many; and each failing allocation. */
static fh_status look_at_many(fh_allocator *a, void *arg) {
    fh_memory m;
    FH_TRY(fh_memory_look(a, &m));
    size_t count;
    (void)find(&m, "one of many", &count);
    assert_int_equal(count, *(const size_t *)arg);
    fh_memory_deinit(&m);
    return FH_DONE;
}

static void test_many(void **state) {
    static owner many[100];
    for (size_t count = 1; count <= 100; count++) {
        enter(&many[count - 1], "one of many", 1, 0);
        uint64_t allocs = FH_FAIL_EACH_ALLOC(fh_test_trace(state), look_at_many, &count);
        assert_true(allocs == 1 || allocs == 2);
        assert_true(count < 100 || allocs == 2);
    }
    for (size_t i = 0; i < 100; i++)
        fh_ledger_leave(&many[i].node);
}

/* What the owners have on the heap is theirs, the rest is the first row, and nothing is counted twice. */
static void test_sums(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    uint64_t floor = fh_memory_committed(), heap = fh_heap_stats().live_bytes;
    void *block = fh_alloc(fh_heap(), 1, 50000);
    assert_non_null(block);
    owner on, off;
    enter(&on, "on the heap", 0, fh_memory_on_heap(fh_heap(), 50000));
    enter(&off, "not there", 100, fh_memory_on_heap(a, 50000));
    assert_int_equal(off.heap, 0);
    assert_int_equal(fh_memory_committed(), floor + 50000 + 800);

    fh_memory m;
    fh_assert_ok(fh_memory_look(a, &m));
    const fh_memory_row *others = fh_memory_rows_at(m.rows, 0);
    assert_string_equal(others->name.text, "other blocks");
    assert_true(others->kind == FH_MEMORY_HEAP && others->id == 0 && others->committed_bytes == heap);
    assert_true(others->live.bytes == heap && others->reserved_bytes == heap && others->heap_bytes == heap);
    assert_true(m.heap.live_bytes == heap + 50000 && m.resident_peak_bytes != 0);
    uint64_t sum = 0;
    for (size_t i = 0; i < m.rows.count; i++)
        sum += fh_memory_rows_at(m.rows, i)->committed_bytes;
    assert_int_equal(sum, floor + 50000 + 800);
    fh_memory_deinit(&m);

    on.behind = 20000;
    assert_int_equal(fh_memory_committed(), floor + 50000 + 800);
    on.behind = 0;
    on.heap = UINT64_MAX / 2; /* an owner that was read later than the heap: never below zero */
    fh_assert_ok(fh_memory_look(a, &m));
    assert_int_equal(fh_memory_rows_at(m.rows, 0)->committed_bytes, 0);
    fh_memory_deinit(&m);
    fh_ledger_leave(&off.node);
    fh_ledger_leave(&on.node);
    fh_free(fh_heap(), block);
    assert_int_equal(fh_memory_committed(), floor);
}

static void test_names(void **state) {
    (void)state;
    char longer[FH_MEMORY_NAME_BYTES + 8];
    memset(longer, 'n', sizeof longer);
    fh_span just = {(const uint8_t *)longer, FH_MEMORY_NAME_BYTES - 1}, more = {(const uint8_t *)longer, sizeof longer};
    assert_int_equal(strlen(fh_memory_label_of(just).text), FH_MEMORY_NAME_BYTES - 1);
    assert_int_equal(strlen(fh_memory_label_of(more).text), FH_MEMORY_NAME_BYTES - 1);
    assert_string_equal(fh_memory_label_of(FH_LIT("a \x7f\x1f~\xc3\xa9\n\0z")).text, "a ??~????z");
    assert_string_equal(fh_memory_label_of(FH_LIT("")).text, "");
    for (int kind = 0; kind < FH_MEMORY_KINDS; kind++)
        assert_true(strlen(fh_memory_kind_name((fh_memory_kind)kind)) <= 6);
}

/* An owner that is being read waits with its end. */
typedef struct slow {
    fh_ledger_node node;
    uint32_t reading, left; /* atomic */
} slow;

static void fill_slowly(const void *self, fh_memory_row *row) {
    slow *s = (slow *)(uintptr_t)self;
    (void)row;
    fh_store(&s->reading, 1, FH_RELEASE);
    for (int i = 0; i < 20; i++) {
        fh_os_nap(1000000);
        assert_int_equal(fh_load(&s->left, FH_ACQUIRE), 0);
    }
}

static void *leave_at_once(void *arg) {
    slow *s = arg;
    while (fh_load(&s->reading, FH_ACQUIRE) == 0)
        fh_os_nap(1000);
    fh_ledger_leave(&s->node);
    fh_store(&s->left, 1, FH_RELEASE);
    return NULL;
}

static void test_end_waits(void **state) {
    (void)state;
    slow s = {.left = 0};
    pthread_t leaver;
    fh_ledger_enter(&s.node, FH_MEMORY_POOL, fill_slowly, &s);
    assert_int_equal(pthread_create(&leaver, NULL, leave_at_once, &s), 0);
    (void)fh_memory_committed();
    assert_int_equal(pthread_join(leaver, NULL), 0);
    assert_int_equal(s.left, 1);
}

/* Two threads make, change and end owners while two others look, until each has seen one: whole, and never when it is gone. */
enum { LOOKS = 300, CHANGES = 64 };
static uint32_t lookers_left;

static void *make_owners(void *arg) {
    while (fh_load(&lookers_left, FH_RELAXED) != 0) {
        owner *o = fh_alloc(fh_heap(), 1, sizeof *o);
        assert_non_null(o);
        enter(o, arg, 1, 0);
        for (uint64_t k = 1; k <= CHANGES; k++)
            fh_store(&o->live, k, FH_RELAXED);
        fh_ledger_leave(&o->node);
        memset(o, 0xee, sizeof *o);
        fh_free(fh_heap(), o);
    }
    return NULL;
}

static void *look_on(void *arg) {
    uint64_t *seen = arg;
    for (int i = 0; i < LOOKS || *seen == 0; i++) {
        fh_memory m;
        assert_false(fh_failed(fh_memory_look(fh_heap(), &m)));
        for (size_t k = 1; k < m.rows.count; k++) {
            const fh_memory_row *row = fh_memory_rows_at(m.rows, k);
            if (row->kind == FH_MEMORY_POOL && strcmp(row->name.text, "busy") == 0) {
                ++*seen;
                assert_true(row->live.count >= 1 && row->live.count <= CHANGES && row->object_bytes == 8);
            }
        }
        fh_memory_deinit(&m);
        (void)fh_memory_committed();
    }
    fh_fetch_sub(&lookers_left, 1, FH_RELAXED);
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    pthread_t makers[2], lookers[2];
    static char name[] = "busy";
    uint64_t seen[2] = {0, 0};
    fh_store(&lookers_left, 2, FH_RELAXED);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&makers[i], NULL, make_owners, name), 0);
        assert_int_equal(pthread_create(&lookers[i], NULL, look_on, &seen[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(makers[i], NULL), 0);
        assert_int_equal(pthread_join(lookers[i], NULL), 0);
    }
}

/* --- the owners that there are ------------------------------------------------------------------------------------------ */

typedef struct owners {
    fh_pool *pool;
    fh_arena *arena;
    fh_page_source *pages;
    fh_cache *cache;
} owners;

static void make(owners *o) {
    fh_pool_config pool = {.size_bytes = 100, .capacity = 50, .name = "test pool", .threads = FH_POOL_SERIAL};
    fh_cache_config cache = {.budget_bytes = 1000, .entries_max = 64, .refs_max = 64, .shards = 2, .name = "test cache"};
    fh_assert_ok(fh_pool_new(fh_heap(), &pool, &o->pool));
    fh_assert_ok(fh_arena_new(fh_heap(), &(fh_arena_options){.name = "test arena"}, &o->arena));
    fh_assert_ok(fh_page_source_new(fh_heap(), &(fh_page_options){.pages_max = 16, .name = "test pages"}, &o->pages));
    fh_assert_ok(fh_cache_new(fh_heap(), &cache, &o->cache));
}

static void end(owners *o) {
    fh_cache_free(o->cache);
    fh_page_source_free(o->pages);
    fh_arena_free(o->arena);
    fh_pool_free(o->pool);
}

static fh_status load_nothing(void *ctx, uint64_t key, void **value) {
    (void)key;
    *value = ctx;
    return FH_DONE;
}

static fh_memory_row row_named(const char *name) {
    fh_memory m;
    size_t count, at;
    fh_assert_ok(fh_memory_look(fh_heap(), &m));
    at = find(&m, name, &count);
    assert_int_equal(count, 1);
    fh_memory_row row = fh_memory_rows_get(m.rows, at);
    fh_memory_deinit(&m);
    assert_true(row.live.bytes + row.cached.bytes + row.quarantined.bytes + row.retired.bytes <= row.committed_bytes);
    assert_true(row.committed_bytes <= row.reserved_bytes && row.heap_bytes <= row.committed_bytes);
    return row;
}

/* Each tells what it has, and takes all of it along when it ends. */
static void test_owners(void **state) {
    (void)state;
    uint64_t before = fh_memory_committed();
    owners o;
    fh_handle h[3];
    make(&o);
    fh_assert_ok(fh_pool_alloc_n(o.pool, 3, h));
    fh_assert_ok(fh_pool_release(o.pool, h[2]));
    assert_int_equal(fh_pool_release(o.pool, h[2]).code, FH_DOUBLE_FREE);
    fh_memory_row row = row_named("test pool");
    assert_true(row.kind == FH_MEMORY_POOL && row.object_bytes == 100 && row.live.count == 2 && row.cached.count == 48);
    assert_true(row.peak_bytes == 3 * row.live.bytes / 2 && row.refusals == 1);

    fh_scope scope;
    fh_assert_ok(fh_arena_push(o.arena, &scope));
    assert_non_null(fh_arena_alloc(o.arena, 1, 1 << 20));
    row = row_named("test arena");
    assert_true(row.kind == FH_MEMORY_ARENA && row.live.bytes >= 1 << 20 && row.heap_bytes == row.committed_bytes);
    fh_assert_ok(fh_arena_pop(o.arena, scope));
    row = row_named("test arena");
    assert_true(row.live.bytes < 1 << 20 && row.cached.bytes >= 1 << 20 && row.peak_bytes >= 1 << 20);

    fh_slab slab;
    fh_assert_ok(fh_slab_alloc(o.pages, 3 * FH_PAGE_BYTES, &slab));
    row = row_named("test pages");
    assert_true(row.kind == FH_MEMORY_PAGES && row.live.count == 3 && row.live.bytes == 3 * FH_PAGE_BYTES);
    assert_true(row.reserved_bytes >= 16 * FH_PAGE_BYTES && row.object_bytes == FH_PAGE_BYTES);
    fh_assert_ok(fh_slab_release(o.pages, &slab));
    assert_int_equal(row_named("test pages").live.count, 0);

    fh_cache_ref ref, none;
    fh_assert_ok(fh_cache_acquire(o.cache, 7, &(fh_cache_loader){load_nothing, &o, 300}, &ref, NULL));
    row = row_named("test cache");
    assert_true(row.kind == FH_MEMORY_CACHE && row.cached.count == 1 && row.cached.bytes == 300 && row.peak_bytes == 300);
    assert_int_equal(fh_cache_acquire(o.cache, 8, &(fh_cache_loader){load_nothing, &o, 2000}, &none, NULL).code, FH_LIMIT);
    fh_assert_ok(fh_cache_drop(o.cache, ref));
    end(&o);
    assert_int_equal(fh_memory_committed(), before);
}

/* One thread works all owners while another reads them: no number is read that is written at the same time. */
enum { WORK = 2000 };
static uint32_t work_left;

static void *work(void *arg) {
    owners *o = arg;
    for (uint64_t i = 0; i < WORK; i++) {
        fh_handle h;
        fh_scope scope;
        fh_slab slab;
        fh_bytes bytes;
        fh_cache_ref ref;
        fh_assert_ok(fh_pool_alloc(o->pool, &h, NULL));
        fh_assert_ok(fh_arena_push(o->arena, &scope));
        assert_non_null(fh_arena_alloc(o->arena, 1, 64 + i % 7000));
        fh_assert_ok(fh_slab_alloc(o->pages, 1 + i % 70000, &slab));
        fh_assert_ok(fh_slab_append(o->pages, &slab, FH_LIT("x")));
        fh_assert_ok(fh_slab_freeze(o->pages, &slab, 1, &bytes));
        fh_assert_ok(fh_cache_acquire(o->cache, i % 50, &(fh_cache_loader){load_nothing, o, 30}, &ref, NULL));
        fh_assert_ok(fh_cache_drop(o->cache, ref));
        fh_bytes_drop(&bytes);
        (void)fh_page_source_trim(o->pages);
        fh_assert_ok(fh_arena_pop(o->arena, scope));
        fh_assert_ok(fh_pool_release(o->pool, h));
    }
    fh_store(&work_left, 0, FH_RELAXED);
    return NULL;
}

static void test_owners_at_work(void **state) {
    (void)state;
    owners o;
    pthread_t worker;
    make(&o);
    fh_store(&work_left, 1, FH_RELAXED);
    assert_int_equal(pthread_create(&worker, NULL, work, &o), 0);
    for (unsigned i = 0; i < 20 || fh_load(&work_left, FH_RELAXED) != 0; i++) {
        static const char *const names[] = {"test pool", "test arena", "test pages", "test cache"};
        fh_memory m;
        size_t count;
        fh_assert_ok(fh_memory_look(fh_heap(), &m));
        (void)find(&m, names[i % 4], &count);
        assert_int_equal(count, 1);
        fh_memory_deinit(&m);
    }
    assert_int_equal(pthread_join(worker, NULL), 0);
    end(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_list), FH_TEST_ALLOC(test_many),         FH_TEST_ALLOC(test_sums),
        cmocka_unit_test(test_names), cmocka_unit_test(test_threads), cmocka_unit_test(test_owners),
        cmocka_unit_test(test_owners_at_work), cmocka_unit_test(test_end_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
