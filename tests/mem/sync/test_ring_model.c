/* test_ring_model.c: random operations on rings, against the model. */
/* tidy: exempt mirror: tests ring.c */
#include "fh_test.h"

#include "model_ring.h"

static void test_random(void **state) {
    fh_test_rng rng = fh_test_rng_new(11);
    uint8_t ops[1000];
    for (uint64_t left = fh_test_ops(); left > 0; left -= left < sizeof ops ? left : sizeof ops) {
        for (size_t i = 0; i < sizeof ops; i++) {
            ops[i] = (uint8_t)fh_test_rng_next(&rng);
            if (i > 0 && i < 900 && ops[i] == 255)
                ops[i] = 0; /* close late */
        }
        model_ring_run(fh_test_allocator(state), (fh_span){ops, sizeof ops});
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
