/* isa.c: which kernels this processor can run, and how it wants to be told what they read next.
 *
 * The compiler's own detection is used (it also asks whether the operating system saves the wide registers). An
 * instruction set counts only with everything that its kernels use, see device.h.
 *
 * Threading: pure functions. */
#include "tensor/kern/kern.h"

#if defined(__x86_64__)

fh_isa fh_isa_best(void) {
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vnni");
    return avx512 ? FH_ISA_AVX512 : avx2 ? FH_ISA_AVX2 : FH_ISA_SCALAR;
}

/* Medians of interleaved rounds on a 1.1 B model: an Intel server core needs 8 KiB in flight to keep its memory busy; an AMD
 * one runs ahead by itself, and far requests hold it up (27 → 20 GB/s in a plain sum from 4 KiB on). */
size_t fh_kern_ahead_bytes(void) {
    __builtin_cpu_init();
    return __builtin_cpu_is("amd") ? 1024 : 8192;
}

const struct kern *fh_kern_get(fh_isa isa) {
    switch (isa) {
    case FH_ISA_SCALAR: return &fh_kern_scalar;
    case FH_ISA_AVX2: return &fh_kern_avx2;
    case FH_ISA_AVX512: return &fh_kern_avx512;
    case FH_ISA_COUNT: break;
    }
    return NULL;
}

#else

fh_isa fh_isa_best(void) {
    return FH_ISA_SCALAR;
}

size_t fh_kern_ahead_bytes(void) {
    return 0; /* the scalar kernels ask for nothing */
}

const struct kern *fh_kern_get(fh_isa isa) {
    return isa == FH_ISA_SCALAR ? &fh_kern_scalar : NULL;
}

#endif
