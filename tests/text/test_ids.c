/* test_ids.c: the list of ids: growth, limit, failure. */
#include "freehold/tokenizer.h"
#include "support/fh_test.h"

static void test_growth(void **state) {
    fh_ids ids;
    fh_ids_init(&ids, fh_test_allocator(state), 0);
    assert_int_equal(fh_ids_view(&ids).count, 0);
    for (uint32_t i = 0; i < 1000; i++)
        fh_assert_ok(fh_ids_put(&ids, i * 3));
    fh_u32s view = fh_ids_view(&ids);
    assert_int_equal(view.count, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(fh_u32s_get(view, i), i * 3);
    fh_ids_deinit(&ids);
    fh_ids_deinit(&ids); /* a second time is allowed */
}

static void test_limit(void **state) {
    for (size_t limit = 1; limit < 40; limit++) {
        fh_ids ids;
        fh_ids_init(&ids, fh_test_allocator(state), limit);
        for (uint32_t i = 0; i < limit; i++)
            fh_assert_ok(fh_ids_put(&ids, i));
        fh_assert_code(fh_ids_put(&ids, 0), FH_LIMIT);
        assert_int_equal(fh_ids_view(&ids).count, limit);
        assert_true(ids.items.count <= limit);
        fh_ids_deinit(&ids);
    }
}

/* Many at once: as if one by one; beyond the limit none. */
static void test_all(void **state) {
    uint32_t numbers[100];
    for (uint32_t i = 0; i < 100; i++)
        numbers[i] = i * 7;
    fh_ids ids;
    fh_ids_init(&ids, fh_test_allocator(state), 120);
    fh_assert_ok(fh_ids_put_all(&ids, (fh_u32s){NULL, 0}));
    fh_assert_ok(fh_ids_put(&ids, 5));
    fh_assert_ok(fh_ids_put_all(&ids, (fh_u32s){numbers, 100}));
    assert_int_equal(fh_ids_view(&ids).count, 101);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(fh_u32s_get(fh_ids_view(&ids), i + 1), i * 7);
    fh_assert_code(fh_ids_put_all(&ids, (fh_u32s){numbers, 20}), FH_LIMIT);
    assert_int_equal(fh_ids_view(&ids).count, 101);
    fh_assert_ok(fh_ids_put_all(&ids, (fh_u32s){numbers, 19}));
    assert_int_equal(fh_ids_view(&ids).count, 120);
    fh_ids_deinit(&ids);
}

static fh_status body(fh_allocator *a, void *arg) {
    (void)arg;
    fh_ids ids;
    fh_ids_init(&ids, a, 0);
    fh_status s = FH_DONE;
    for (uint32_t i = 0; i < 100 && s.code == FH_OK; i++) {
        s = fh_ids_put(&ids, i);
        size_t have = i + (s.code == FH_OK);
        assert_int_equal(fh_ids_view(&ids).count, have);
    }
    fh_ids_deinit(&ids);
    return s;
}

static void test_no_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL) >= 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_growth), FH_TEST_ALLOC(test_limit), FH_TEST_ALLOC(test_all),
                                       FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
