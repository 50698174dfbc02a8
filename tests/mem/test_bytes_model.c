/* test_bytes_model.c: random operations on slabs and bytes, against the model. */
/* tidy: exempt mirror: tests page.c and bytes.c */
#include "fh_test.h"

#include "model_bytes.h"

static void test_random(void **state) {
    fh_test_rng rng = fh_test_rng_new(22);
    uint8_t ops[3001];
    for (uint64_t left = fh_test_ops(), n = sizeof ops / 3; left > 0; left -= left < n ? left : n) {
        for (size_t i = 0; i < sizeof ops; i++)
            ops[i] = (uint8_t)fh_test_rng_next(&rng);
        model_bytes_run(fh_test_allocator(state), (fh_span){ops, sizeof ops});
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
