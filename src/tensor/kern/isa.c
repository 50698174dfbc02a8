/* isa.c: which kernels this processor can run.
 *
 * The compiler's own detection is used (it also asks whether the operating system saves the wide registers). An instruction set counts
 * only with everything that its kernels use, see device.h.
 *
 * Threading: pure functions. */
#include "tensor/kern/kern.h"


fh_isa fh_isa_best(void) {
    return FH_ISA_SCALAR;
}

const struct kern *fh_kern_get(fh_isa isa) {
    return isa == FH_ISA_SCALAR ? &fh_kern_scalar : NULL;
}
