/* test_shared_model.c: random operations of several views on shared pools, against the model. */
/* tidy: exempt mirror: tests pool_shared.c and pool_depot.c */
#include "fh_test.h"

#include "model_shared.h"

static void test_random(void **state) {
    fh_test_random_ops(state, 31, 2, 2, model_shared_run);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
