/* fuzz_canary.c: a fuzz target with a planted bug, which the driver and libFuzzer must find; if they do not, the other targets
 * prove nothing. The bug is an assertion that an input with a length byte that lies reaches. */
#include "freehold/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

/* A list of records: one byte of length, then so many bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fh_span in = {data, size};
    for (size_t at = 0; at < in.size; at += (size_t)1 + fh_span_at(in, at))
        FH_ASSERT(fh_span_at(in, at) <= in.size - at - 1); /* an input is asserted, not refused: the bug */
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    emit(ctx, FH_LIT("\x03" "abc" "\x01" "d" "\x00"));
    emit(ctx, FH_LIT(""));
}
