/* test_idmap.c: the table of ids, against an array that remembers everything. */
#include "fh_test.h"

#include "index/idmap.h"

enum { IDS = 300 };

/* Ids of three kinds: in a row, far apart, and such that they meet in few cells. */
static uint64_t id_of(size_t kind, size_t i) {
    return kind == 0 ? i : kind == 1 ? i * UINT64_C(0x9e3779b97f4a7c15) : (uint64_t)i << 58 | i;
}

static void test_against_array(void **state) {
    fh_test_rng rng = fh_test_rng_new(3);
    for (size_t kind = 0; kind < 3; kind++) {
        fh_idmap map = {.allocator = fh_test_allocator(state), .seed = kind};
        size_t rows[IDS];
        size_t count = 0;
        for (size_t i = 0; i < IDS; i++)
            rows[i] = SIZE_MAX;
        assert_true(fh_idmap_find(&map, 1) == SIZE_MAX);
        for (size_t step = 0; step < 20000; step++) {
            size_t i = fh_test_rng_below(&rng, IDS), row = fh_test_rng_below(&rng, 1000);
            uint64_t id = id_of(kind, i);
            switch (fh_test_rng_below(&rng, 4)) {
            case 0:
            case 1:
                fh_assert_ok(fh_idmap_reserve(&map, count + 1));
                assert_int_equal(fh_idmap_add(&map, id, row), rows[i] == SIZE_MAX);
                count += rows[i] == SIZE_MAX;
                rows[i] = rows[i] == SIZE_MAX ? row : rows[i];
                break;
            case 2:
                if (rows[i] != SIZE_MAX) {
                    fh_idmap_remove(&map, id);
                    rows[i] = SIZE_MAX;
                    count--;
                }
                break;
            default:
                if (rows[i] != SIZE_MAX) {
                    fh_idmap_move(&map, id, row);
                    rows[i] = row;
                }
            }
            assert_int_equal(map.count, count);
            if (step % 16 == 0)
                for (size_t k = 0; k < IDS; k++)
                    assert_true(fh_idmap_find(&map, id_of(kind, k)) == rows[k]);
        }
        fh_idmap_deinit(&map);
    }
}

static void test_without_memory(void **state) {
    fh_idmap map = {.allocator = fh_test_allocator(state)};
    fh_assert_ok(fh_idmap_reserve(&map, 8));
    for (uint64_t id = 0; id < 8; id++)
        assert_true(fh_idmap_add(&map, id, (size_t)id));
    for (uint64_t n = 1; n <= 2; n++) {
        fh_trace_fail_at(fh_test_trace(state), n);
        fh_assert_code(fh_idmap_reserve(&map, 9), FH_NOMEM);
        for (uint64_t id = 0; id < 8; id++)
            assert_int_equal(fh_idmap_find(&map, id), id);
    }
    fh_assert_code(fh_idmap_reserve(&map, SIZE_MAX / 8), FH_NOMEM);
    fh_idmap_deinit(&map);
}

static void add_without_room(void *arg) {
    fh_idmap *map = arg;
    for (uint64_t id = 0; id < 9; id++)
        assert_true(fh_idmap_add(map, id, 0));
}
static void remove_unknown(void *arg) {
    fh_idmap_remove(arg, 77);
}
static void move_unknown(void *arg) {
    fh_idmap_move(arg, 77, 0);
}

static void test_misuse(void **state) {
    fh_idmap map = {.allocator = fh_test_allocator(state)};
    fh_assert_ok(fh_idmap_reserve(&map, 8));
    fh_assert_dies(add_without_room, &map, "m->count < ");
    fh_assert_dies(remove_unknown, &map, "!= 0");
    fh_assert_dies(move_unknown, &map, "!= 0");
    fh_idmap_deinit(&map);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_against_array),
        FH_TEST_ALLOC(test_without_memory),
        FH_TEST_ALLOC(test_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
