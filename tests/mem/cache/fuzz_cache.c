/* fuzz_cache.c: any bytes as operations on a cache, against the model (model_cache.h). */
#include "model_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    model_cache_run(fh_heap(), (fh_span){data, size});
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    /* Acquires and drops; then, on four shards, a load inside a load, pins, a removal and a smaller budget. */
    static const uint8_t loads[] = {0, 255, 40, 0, 0, 49, 0, 74, 0, 99, 120, 0, 120, 0, 120, 0, 0, 124, 0, 49, 120, 1, 250, 0};
    static const uint8_t nested[] = {5,   130, 80, 0,   0, 25,  0, 26,  0, 25,  230, 1,
                                     240, 2,   120, 0, 120, 0,   253, 8, 235, 1,  160, 0};
    emit(ctx, (fh_span){loads, sizeof loads});
    emit(ctx, (fh_span){nested, sizeof nested});
}
