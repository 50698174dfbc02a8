/* fuzz_arena.c: any bytes as operations on an arena, against the model (model_arena.h). */
#include "model_arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    model_arena_run(fh_heap(), (fh_span){data, size < 4096 ? size : 4096});
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    static const uint8_t scopes[] = {0, 0, 1, 14, 0, 0, 31, 0, 6, 14, 0, 0, 7, 20, 2, 24, 0, 28, 0, 28, 1, 31, 0, 30, 0};
    static const uint8_t limited[] = {3, 14, 0, 0, 31, 0, 31, 0, 31, 0, 31, 0, 31, 0, 31, 20, 3, 27, 0, 30, 0, 0, 31};
    emit(ctx, (fh_span){scopes, sizeof scopes});
    emit(ctx, (fh_span){limited, sizeof limited});
}
