/* isa.c: which kernels this processor can run.
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

const struct kern *fh_kern_get(fh_isa isa) {
    return isa == FH_ISA_SCALAR ? &fh_kern_scalar : NULL;
}

#endif
