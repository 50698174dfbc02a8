/* test_pool_model.c: random operations on pools of every kind, against the model. */
/* tidy: exempt mirror: tests pool.c, pool_local.c, pool_region.c and pool_stats.c together */
#include "fh_test.h"

#include "model_pool.h"

static void test_random(void **state) {
    fh_test_random_ops(state, 31, 1, 2, model_pool_run);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
