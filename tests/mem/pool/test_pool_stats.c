/* test_pool_stats.c: a pool's numbers, its reports in each format, its row on the ledger, and what fh_pool_check finds. */
#include "pool_test.h"

#include <string.h>

/* A pool with each counter at a value of its own. */
static fh_pool *make_busy(fh_allocator *a, const char *name, fh_handle h[3]) {
    fh_pool_config config = {.capacity = 1, .max_capacity = 4, .growth = {.kind = FH_GROW_EXPONENTIAL}, .name = name};
    fh_pool *pool = new_with(a, config);
    const void *at;
    void *mut;
    fh_assert_ok(fh_pool_alloc_n(pool, 3, h));
    fh_assert_code(fh_pool_alloc_n(pool, 2, (fh_handle[2]){{0}}), FH_EXHAUSTED);
    fh_assert_ok(fh_pool_release(pool, h[2]));
    for (int i = 0; i < 2; i++)
        fh_assert_code(fh_pool_release(pool, h[2]), FH_DOUBLE_FREE);
    for (int i = 0; i < 3; i++)
        fh_assert_code(fh_pool_view(pool, h[2], &at), FH_STALE);
    for (int i = 0; i < 4; i++)
        fh_assert_code(fh_pool_view(pool, (fh_handle){h[0].value + (UINT64_C(9) << 32)}, &at), FH_WRONG_POOL);
    fh_assert_ok(fh_pool_borrow(pool, h[0], &at));
    for (int i = 0; i < 5; i++)
        fh_assert_code(fh_pool_borrow_mut(pool, h[0], &mut), FH_BORROWED);
    fh_assert_ok(fh_pool_borrow_end(pool, h[0]));
    pool->core->wrong_threads = 6;
    return pool;
}

static void test_numbers(void **state) {
    fh_handle h[3];
    fh_pool *pool = make_busy(fh_test_allocator(state), NULL, h);
    fh_pool_stats s = fh_pool_stats_get(pool);
    assert_true(s.allocs == 3 && s.releases == 1 && s.live == 2 && s.peak == 4 && s.capacity == 4 && s.max_capacity == 4);
    assert_true(s.growths == 2 && s.failures == 1 && s.stale_uses == 3 && s.double_frees == 2 && s.wrong_pools == 4);
    assert_true(s.borrow_conflicts == 5 && s.wrong_threads == 6 && s.overwritten == 0 && s.remote_frees == 0);
    assert_true(s.quarantined == 0 && s.retired == 0);
    assert_true(s.committed_bytes >= 4 * (64 + 8) && s.reserved_bytes >= s.committed_bytes);
    fh_pool_stats_reset(pool);
    s = fh_pool_stats_get(pool);
    assert_true(s.allocs + s.releases + s.growths + s.failures + s.stale_uses + s.double_frees + s.wrong_pools +
                    s.borrow_conflicts + s.wrong_threads == 0);
    assert_true(s.live == 2 && s.peak == 2 && s.capacity == 4 && s.committed_bytes != 0);
    fh_assert_ok(fh_pool_release(pool, h[0]));
    fh_assert_code(fh_pool_release(pool, h[0]), FH_DOUBLE_FREE);
    s = fh_pool_stats_get(pool);
    assert_true(s.allocs == 0 && s.releases == 1 && s.live == 1 && s.double_frees == 1);
    fh_pool_free(pool);
}

/* --- reports ---------------------------------------------------------------------------------------------------------- */

static void assert_has(fh_buf *b, const char *part) {
    if (fh_span_find(fh_buf_view(b), fh_span_of_str(part), 0) == SIZE_MAX)
        fail_msg("'%s' is not in:\n%.*s", part, (int)b->size, (const char *)b->at);
}

static void test_reports(void **state) {
    fh_handle h[3];
    fh_pool *pool = make_busy(fh_test_allocator(state), "a \"b\"\\\n", h);
    fh_buf b;
    fh_buf_init(&b, fh_test_allocator(state), 0);
    fh_assert_ok(fh_pool_report(pool, FH_REPORT_TEXT, &b));
    assert_has(&b, "pool \"a \\\"b\\\"\\\\ \"\n");
    assert_has(&b, "  live                         2  slots in use\n");
    assert_has(&b, "  borrow_conflicts             5  uses refused");
    fh_buf_truncate(&b, 0);

    fh_assert_ok(fh_pool_report(pool, FH_REPORT_JSON, &b));
    assert_has(&b, "{\"name\":\"a \\\"b\\\"\\\\ \",\"live\":2,\"peak\":4,\"capacity\":4,\"max_capacity\":4,\"retired\":0,");
    assert_has(&b, "\"allocs\":3,\"releases\":1,\"growths\":2,\"failures\":1,\"stale_uses\":3,\"double_frees\":2,"
                   "\"wrong_pools\":4,\"borrow_conflicts\":5,\"wrong_threads\":6,\"overwritten\":0,\"remote_frees\":0}\n");
    fh_buf_truncate(&b, 0);

    fh_assert_ok(fh_pool_report(pool, FH_REPORT_PROMETHEUS, &b));
    assert_has(&b, "# HELP freehold_pool_live slots in use\n# TYPE freehold_pool_live gauge\n"
                   "freehold_pool_live{pool=\"a \\\"b\\\"\\\\ \"} 2\n");
    assert_has(&b, "# TYPE freehold_pool_double_frees_total counter\nfreehold_pool_double_frees_total{pool=\"");
    fh_buf_deinit(&b);

    for (fh_report_format format = FH_REPORT_TEXT; format <= FH_REPORT_PROMETHEUS; format++)
        for (size_t limit = 1; limit < 300; limit += 7) { /* whole or not at all */
            fh_buf_init(&b, fh_test_allocator(state), limit);
            fh_assert_ok(fh_buf_put_u8(&b, '#'));
            fh_assert_code(fh_pool_report(pool, format, &b), FH_LIMIT);
            fh_test_span(fh_buf_view(&b), "#", __FILE__, __LINE__);
            fh_buf_deinit(&b);
        }
    fh_pool_free(pool);
}

static void test_ledger(void **state) {
    fh_handle h[3];
    fh_pool *pool = make_busy(fh_test_allocator(state), "ledger test", h);
    fh_memory m;
    fh_assert_ok(fh_memory_look(fh_test_allocator(state), &m));
    const fh_memory_row *row = fh_memory_rows_at(m.rows, m.rows.count - 1);
    assert_true(row->kind == FH_MEMORY_POOL && row->object_bytes == 64);
    assert_true(row->live.count == 2 && row->live.bytes == 128 && row->cached.count == 2 && row->retired.count == 0);
    assert_true(row->refusals == 1 + 3 + 2 + 4 + 5 + 6 && row->peak_bytes == 4 * 64);
    assert_true(row->committed_bytes > fh_pool_stats_get(pool).committed_bytes);
    assert_true(row->reserved_bytes > fh_pool_stats_get(pool).reserved_bytes);
    uint64_t count = m.rows.count;
    fh_memory_deinit(&m);
    fh_pool_free(pool);
    fh_assert_ok(fh_memory_look(fh_test_allocator(state), &m));
    assert_int_equal(m.rows.count, count - 1);
    fh_memory_deinit(&m);
}

/* --- checks ------------------------------------------------------------------------------------------------------------- */

/* Spoils a pool whose slots 2 and 3 are live, and whose free slots are 1 and then 0. */
static void spoil(fh_pool *pool, size_t how) {
    fh_pool_core *core = pool->core;
    uint64_t *w = fh_pool_word(core, 0);
    switch (how) {
    case 0: /* free, without the bit */
        w[0] = fh_word(fh_word_generation(w[0]), 3);
        break;
    case 1: /* live, with it */
        w[2] = fh_word(fh_word_generation(w[2]), FH_WORD_FREE | 3);
        break;
    case 2:
        w[0] = fh_word(core->seed - 8, FH_POOL_NO_SLOT);
        break;
    case 3: /* a cycle */
        w[0] = fh_word(fh_word_generation(w[0]), FH_WORD_FREE | 1);
        break;
    case 4:
        pool->fast.head = FH_WORD_FREE | 0;
        break;
    case 5:
        pool->fast.head = FH_WORD_FREE | 2;
        break;
    case 6: /* retired behind the pool's back */
        w[3] = fh_word(core->seed + core->age_end, FH_POOL_NO_SLOT);
        break;
    case 7:
        pool->fast.head = FH_WORD_FREE | 7;
        break;
    case 8:
        core->capacity = 9;
        break;
    case 9:
        core->words_committed = 8;
        break;
    case 10:
        core->base_committed = 8;
        break;
    default: /* of the rest, 0 and then 1, the second */
        w[0] = fh_word(fh_word_generation(w[0]), FH_POOL_NO_SLOT);
        break;
    }
}

/* Each way to spoil a pool, and what the check says of it. */
static void test_check_finds(void **state) {
    const fh_pool_config config = {.size_bytes = 64, .capacity = 4, .max_capacity = 8,
                                   .growth = {.kind = FH_GROW_EXPONENTIAL}};
    static const char *const expected[] = {"low half",    "low half",  "has age",  "twice", "circulation", "is live and in",
                                           "circulation", "ever used", "capacity", "few",   "few",         "lost"};
    for (size_t how = 0; how < sizeof expected / sizeof expected[0]; how++) {
        fh_pool *pool;
        fh_handle h[4];
        fh_err err;
        fh_assert_ok(fh_pool_new_narrow(fh_test_allocator(state), &config, 8, &pool));
        fh_assert_ok(fh_pool_alloc_n(pool, 4, h));
        fh_assert_ok(fh_pool_release(pool, h[0]));
        fh_assert_ok(fh_pool_release(pool, h[1]));
        if (how == 11)
            fh_pool_stats_reset(pool);
        fh_assert_ok(fh_pool_check(pool, &err));
        fh_pool pool_before = *pool;
        fh_pool_core core_before = *pool->core;
        uint64_t words[4];
        for (uint32_t i = 0; i < 4; i++)
            words[i] = *fh_pool_word(pool->core, i);
        spoil(pool, how);
        fh_err_clear(&err);
        fh_assert_code(fh_pool_check(pool, &err), FH_CORRUPT);
        fh_assert_err(&err, FH_CORRUPT, expected[how]);
        *pool->core = core_before;
        *pool = pool_before;
        for (uint32_t i = 0; i < 4; i++)
            *fh_pool_word(pool->core, i) = words[i];
        fh_assert_ok(fh_pool_check(pool, NULL));
        fh_pool_free(pool);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_numbers),
        FH_TEST_ALLOC(test_reports),
        FH_TEST_ALLOC(test_ledger),
        FH_TEST_ALLOC(test_check_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
