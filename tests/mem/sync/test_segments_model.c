/* test_segments_model.c: random operations on rings of segments, against the model (model_segments.h). */
/* tidy: exempt mirror: tests segments.c */
#include "fh_test.h"

#include "model_segments.h"

static uint64_t live_blocks(void *ctx) {
    return fh_trace_stats(ctx).live;
}

static void test_random(void **state) {
    fh_test_rng rng = fh_test_rng_new(12);
    uint8_t ops[2000];
    for (uint64_t left = fh_test_ops(); left > 0; left -= left < sizeof ops ? left : sizeof ops) {
        for (size_t i = 0; i < sizeof ops; i++)
            ops[i] = (uint8_t)fh_test_rng_next(&rng);
        model_segments_run(fh_test_allocator(state), (fh_span){ops, sizeof ops}, live_blocks, fh_test_trace(state));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
