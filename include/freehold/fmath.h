/* fmath.h: elementary functions that give the same bits everywhere.
 *
 * Built from IEEE + − × ÷ √ and integer operations only; no libm, no contraction. They are the definition that vector code
 * matches. Errors: fh_expf ≤ 2 ulp; the float64 functions ≤ 1e-14 relative (absolute for sin and cos) in their stated
 * range. Threading: pure functions. */
#ifndef FREEHOLD_FMATH_H
#define FREEHOLD_FMATH_H

#include "freehold/attrs.h"

FH_EXTERN_BEGIN

/* √x, correctly rounded: an instruction of the processor, never a call. */
static inline float fh_sqrtf(float x) {
    return __builtin_sqrtf(x);
}
static inline double fh_sqrt(double x) {
    return __builtin_sqrt(x);
}
/* e^x; 0 below −87.34 (no denormal results), +inf above 88.72, NaN for NaN. */
FH_API float fh_expf(float x);
/* ln(x) for x > 0. */
FH_API double fh_log(double x);
/* e^x for |x| ≤ 700. */
FH_API double fh_exp(double x);
/* sin and cos of x, |x| ≤ 2^30. */
FH_API void fh_sincos(double x, fh_out double *sine, fh_out double *cosine);
/* float32 to float16 by round to nearest even, and back (exact). */
FH_API unsigned short fh_f16_of_f32(float x);
FH_API float fh_f32_of_f16(unsigned short h);
/* bfloat16 to float32 (exact), and back by round to nearest even. */
FH_API float fh_f32_of_bf16(unsigned short h);
FH_API unsigned short fh_bf16_of_f32(float x);

FH_EXTERN_END
#endif
