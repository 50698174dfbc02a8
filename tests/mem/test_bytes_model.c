/* test_bytes_model.c: random operations on slabs and bytes, against the model. */
/* tidy: exempt mirror: tests page.c and bytes.c */
#include "fh_test.h"

#include "model_bytes.h"

static void test_random(void **state) {
    fh_test_random_ops(state, 22, 1, 3, model_bytes_run);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
