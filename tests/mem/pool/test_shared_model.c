/* test_shared_model.c: random operations of several views on shared pools, against the model. */
/* tidy: exempt mirror: tests pool_shared.c and pool_depot.c */
#include "fh_test.h"

#include "model_shared.h"

static void test_random(void **state) {
    fh_test_rng rng = fh_test_rng_new(31);
    uint8_t ops[2002];
    for (uint64_t left = fh_test_ops(); left > 0; left -= left < sizeof ops / 2 ? left : sizeof ops / 2) {
        for (size_t i = 0; i < sizeof ops; i++)
            ops[i] = (uint8_t)fh_test_rng_next(&rng);
        model_shared_run(fh_test_allocator(state), (fh_span){ops, sizeof ops});
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
