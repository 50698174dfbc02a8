/* test_cache_model.c: random operations on caches, against the model. */
/* tidy: exempt mirror: tests cache.c */
#include "fh_test.h"

#include "model_cache.h"

static void test_random(void **state) {
    fh_test_random_ops(state, 17, 0, 2, model_cache_run);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
