/* fuzz_bytes.c: any bytes as operations on slabs and counted bytes, against the model (model_bytes.h). */
#include "model_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    model_bytes_run(fh_heap(), (fh_span){data, size < 3000 ? size : 3000});
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    static const uint8_t life[] = {0, 1, 0, 5, 6, 0, 0, 14, 0, 200, 18, 0, 90, 42, 0, 0, 20, 0, 60, 24, 0, 0, 25, 0, 99, 30};
    static const uint8_t long_runs[] = {32, 0, 0, 9, 6, 0, 0, 14, 0, 255, 19, 0, 3, 25, 0, 9, 30, 0, 0, 40, 0, 255, 41, 0, 0};
    static const uint8_t pressure[] = {16, 1, 0, 6, 1, 0, 6, 1, 0, 6, 1, 0, 6, 0, 0, 9, 7, 1, 9, 7, 2, 9, 19, 1, 250, 19, 0, 0};
    emit(ctx, (fh_span){life, sizeof life});
    emit(ctx, (fh_span){long_runs, sizeof long_runs});
    emit(ctx, (fh_span){pressure, sizeof pressure});
}
