/* test_cache_model.c: random operations on caches, against the model. */
/* tidy: exempt mirror: tests cache.c */
#include "fh_test.h"

#include "model_cache.h"

static void test_random(void **state) {
    fh_test_rng rng = fh_test_rng_new(17);
    uint8_t ops[2000]; /* two bytes an operation */
    for (uint64_t left = 2 * fh_test_ops(); left > 0; left -= left < sizeof ops ? left : sizeof ops) {
        for (size_t i = 0; i < sizeof ops; i++)
            ops[i] = (uint8_t)fh_test_rng_next(&rng);
        model_cache_run(fh_test_allocator(state), (fh_span){ops, sizeof ops});
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
