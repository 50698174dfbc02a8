/* float.h: the floating-point state of a thread, which belongs to the instruction set and not to the system.
 *
 * Bits depend on it: the rounding mode, and whether tiny numbers are flushed to zero. Invariant float-state: the value set is
 * complete, so nothing of what another library left in the register remains. Threading: the calling thread's own state. */
#ifndef FH_OS_FLOAT_H
#define FH_OS_FLOAT_H

#include <stdint.h>

#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>

/* MXCSR: all exceptions masked, round to nearest, flush-to-zero and denormals-are-zero off. */
#define FH_FLOAT_FIXED UINT32_C(0x1f80)
typedef uint32_t fh_float_state;

static inline fh_float_state fh_float_read(void) {
    return _mm_getcsr();
}
static inline void fh_float_write(fh_float_state state) {
    _mm_setcsr(state);
}

#elif defined(__aarch64__)

/* FPCR: no traps, round to nearest, no flushing, IEEE half precision. */
#define FH_FLOAT_FIXED UINT64_C(0)
typedef uint64_t fh_float_state;

static inline fh_float_state fh_float_read(void) {
    fh_float_state state;
    __asm__ volatile("mrs %0, fpcr" : "=r"(state));
    return state;
}
static inline void fh_float_write(fh_float_state state) {
    __asm__ volatile("msr fpcr, %0" ::"r"(state) : "memory");
}

#else
#error "say here how this instruction set reads and writes its rounding mode and flush-to-zero bits"
#endif

#endif
