/* fuzz_hard.c: any bytes as operations on a hardened pool, against the model (model_hard.h). Writes behind the pool's back
 * are left out under address sanitizer, which stops them itself. */
#include "model_hard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    model_hard_run(fh_heap(), (fh_span){data, size});
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    /* Lives, a second release, a write to a free slot, reap. */
    static const uint8_t plain[] = {4, 20, 0, 0, 0, 0, 0, 0, 100, 1, 100, 1, 200, 1, 210, 0, 0, 0, 0, 0, 0, 0};
    /* The same where objects stay, and with sampled slots. */
    static const uint8_t eager[] = {5, 3, 0, 0, 100, 0, 0, 0, 100, 1, 202, 1, 0, 0, 0, 0, 205, 2, 100, 2};
    static const uint8_t sampled[] = {4 + 8, 3, 0, 0, 0, 0, 201, 1, 100, 1, 100, 0, 220, 0, 170, 0};
    emit(ctx, (fh_span){plain, sizeof plain});
    emit(ctx, (fh_span){eager, sizeof eager});
    emit(ctx, (fh_span){sampled, sizeof sampled});
}
