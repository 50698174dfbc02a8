/* fuzz_pool.c: any bytes as operations on a pool, against the model (model_pool.h). */
#include "model_pool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    model_pool_run(fh_heap(), (fh_span){data, size < 4096 ? size : 4096});
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    /* Each with an alloc, stale uses, double frees, borrows, a foreign handle, a reset and a trim: fixed, eager with hooks,
     * growing with hooks, growing eager with narrow generations. */
    static const uint8_t kinds[] = {0, 3, 6, 77};
    uint8_t ops[] = {0, 0, 0, 0, 1, 100, 0, 100, 0, 142, 1, 143, 1, 150, 1, 100, 1, 90, 5, 65, 0, 90, 0, 90, 1, 100, 0, 72, 2};
    for (size_t i = 0; i < sizeof kinds; i++) {
        ops[0] = kinds[i];
        emit(ctx, (fh_span){ops, sizeof ops});
    }
}
