/* test_arena_model.c: random operations on arenas, against the model. */
/* tidy: exempt mirror: tests arena.c */
#include "fh_test.h"

#include "model_arena.h"

static void test_random(void **state) {
    fh_test_random_ops(state, 21, 1, 2, model_arena_run);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
