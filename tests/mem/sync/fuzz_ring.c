/* fuzz_ring.c: any bytes as operations on a ring, against the model (model_ring.h). */
#include "model_ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    model_ring_run(fh_heap(), (fh_span){data, size});
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    static const uint8_t one_by_one[] = {2, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 7, 0, 4};
    static const uint8_t batches[] = {19, 2 + 8 * 5, 6 + 8 * 3, 2 + 8 * 19, 6 + 8 * 19, 2 + 8 * 7, 255, 0, 6 + 8 * 19, 4};
    emit(ctx, (fh_span){one_by_one, sizeof one_by_one});
    emit(ctx, (fh_span){batches, sizeof batches});
}
