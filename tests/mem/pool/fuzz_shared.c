/* fuzz_shared.c: any bytes as operations of several views on a shared pool, against the model (model_shared.h). */
#include "model_shared.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    model_shared_run(fh_heap(), (fh_span){data, size});
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    /* Attach; alloc here, release there, twice; reap; detach. */
    static const uint8_t letters[] = {0,       3, 56, 0, 0,       0, 0,  0, 64 + 18, 0, 64 + 18, 0,
                                      18,      0, 64 + 53, 0, 53, 0, 0,  0, 64 + 59, 0, 17,      3};
    /* Borrows here and there, a release, an end; the first view leaves and comes back. */
    static const uint8_t borrows[] = {5, 70, 56, 0, 0, 0, 64 + 42, 0, 42, 0, 18, 0,
                                      43, 0, 64 + 43, 0, 18, 0, 59, 0, 56, 0, 63, 0};
    emit(ctx, (fh_span){letters, sizeof letters});
    emit(ctx, (fh_span){borrows, sizeof borrows});
}
