/* test_hard_model.c: random operations on hardened pools, and writes behind their back, against the model. */
/* tidy: exempt mirror: tests pool_hard.c and pool_guard.c */
#include "fh_test.h"

#include "model_hard.h"

static void test_random(void **state) {
    fh_test_random_ops(state, 37, 2, 2, model_hard_run);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
