/* target.h: compiles the functions of one file for one instruction set.
 *
 *     #define FH_TARGET_BEGIN …        see avx2.c: the two compilers want the same list in different pragmas
 *
 * Pragmas rather than flags of the build: a file cannot be compiled without what it needs, and a header's inline functions
 * that were included before stay plain, so the linker can never choose a copy that an older processor lacks.
 *
 * Threading: macros only. */
#ifndef FREEHOLD_TENSOR_KERN_TARGET_H
#define FREEHOLD_TENSOR_KERN_TARGET_H

#define FH_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define FH_TARGET_BEGIN(list) FH_PRAGMA(clang attribute push(__attribute__((target(list))), apply_to = function))
#define FH_TARGET_END FH_PRAGMA(clang attribute pop)
#else
#define FH_TARGET_BEGIN(list) FH_PRAGMA(GCC push_options) FH_PRAGMA(GCC target(list))
#define FH_TARGET_END FH_PRAGMA(GCC pop_options)
#endif

#endif
