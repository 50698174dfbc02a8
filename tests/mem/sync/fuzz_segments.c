/* fuzz_segments.c: any bytes as operations on a ring of segments, against the model (model_segments.h). */
#include "model_segments.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    model_segments_run(fh_heap(), (fh_span){data, size}, NULL, NULL);
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    static const uint8_t follow[] = {2, 16, 16, 67, 10, 6, 16, 16, 67, 75, 10, 10, 5, 6, 14, 5};
    static const uint8_t last[] = {6, 16, 16, 16, 10, 10, 16, 16, 67, 3, 5, 6};
    emit(ctx, (fh_span){follow, sizeof follow});
    emit(ctx, (fh_span){last, sizeof last});
}
