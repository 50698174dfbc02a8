/* test_pool_model.c: random operations on pools of every kind, against the model. */
/* tidy: exempt mirror: tests pool.c, pool_local.c, pool_region.c and pool_stats.c together */
#include "fh_test.h"

#include "model_pool.h"

static void test_random(void **state) {
    fh_test_rng rng = fh_test_rng_new(31);
    uint8_t ops[2001];
    for (uint64_t left = fh_test_ops(), n = sizeof ops / 2; left > 0; left -= left < n ? left : n) {
        for (size_t i = 0; i < sizeof ops; i++)
            ops[i] = (uint8_t)fh_test_rng_next(&rng);
        model_pool_run(fh_test_allocator(state), (fh_span){ops, sizeof ops});
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
