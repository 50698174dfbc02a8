/* checked.h: integer arithmetic that says when it would overflow.
 *
 *     uint64_t bytes;
 *     if (!fh_mul_u64(count, 34, &bytes)) return fh_fail(err, FH_CORRUPT, at, "...");
 *
 * Each function returns true and stores the exact result, or returns false and stores 0. Every size that comes from outside
 * goes through these. Threading: pure functions. */
#ifndef FREEHOLD_CHECKED_H
#define FREEHOLD_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "freehold/attrs.h"

FH_EXTERN_BEGIN

/*@ requires \valid(out); assigns *out; ensures \result <==> a + b <= UINT64_MAX; ensures *out == (\result ? a + b : 0); */
FH_MUST_USE static inline bool fh_add_u64(uint64_t a, uint64_t b, fh_out uint64_t *out) {
    bool ok = !__builtin_add_overflow(a, b, out);
    *out = ok ? *out : 0;
    return ok;
}

/*@ requires \valid(out); assigns *out; ensures \result <==> a * b <= UINT64_MAX; ensures *out == (\result ? a * b : 0); */
FH_MUST_USE static inline bool fh_mul_u64(uint64_t a, uint64_t b, fh_out uint64_t *out) {
    bool ok = !__builtin_mul_overflow(a, b, out);
    *out = ok ? *out : 0;
    return ok;
}

/*@ requires \valid(out); assigns *out; ensures \result <==> a + b <= SIZE_MAX; ensures *out == (\result ? a + b : 0); */
FH_MUST_USE static inline bool fh_add_size(size_t a, size_t b, fh_out size_t *out) {
    bool ok = !__builtin_add_overflow(a, b, out);
    *out = ok ? *out : 0;
    return ok;
}

/*@ requires \valid(out); assigns *out; ensures \result <==> a * b <= SIZE_MAX; ensures *out == (\result ? a * b : 0); */
FH_MUST_USE static inline bool fh_mul_size(size_t a, size_t b, fh_out size_t *out) {
    bool ok = !__builtin_mul_overflow(a, b, out);
    *out = ok ? *out : 0;
    return ok;
}

/* *out = the lowest multiple of `align` (a power of two) that is not below a. */
/*@ requires \valid(out); assigns *out;
    ensures \result ==> align != 0 && *out % align == 0 && a <= *out < a + align;
    ensures align == 0 ==> !\result;
    ensures !\result ==> *out == 0; */
FH_MUST_USE static inline bool fh_align_up_u64(uint64_t a, uint64_t align, fh_out uint64_t *out) {
    bool ok = align != 0 && (align & (align - 1)) == 0 && fh_add_u64(a, align - 1, out);
    *out = ok ? *out - *out % align : 0;
    return ok;
}

/* *out = the same as size_t. */
/*@ requires \valid(out); assigns *out;
    ensures \result ==> align != 0 && *out % align == 0 && a <= *out < a + align;
    ensures !\result ==> *out == 0; */
FH_MUST_USE static inline bool fh_align_up_size(size_t a, size_t align, fh_out size_t *out) {
    uint64_t wide = 0;
    bool ok = fh_align_up_u64(a, align, &wide) && wide <= SIZE_MAX;
    *out = ok ? (size_t)wide : 0;
    return ok;
}

/* *out = a, if it fits a size_t. */
/*@ requires \valid(out); assigns *out; ensures \result <==> a <= SIZE_MAX; ensures *out == (\result ? a : 0); */
FH_MUST_USE static inline bool fh_u64_to_size(uint64_t a, fh_out size_t *out) {
    *out = a <= SIZE_MAX ? (size_t)a : 0;
    return a <= SIZE_MAX;
}

FH_EXTERN_END
#endif
