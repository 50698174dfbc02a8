/* attrs.h: compiler attributes, beside the ownership words of deed.h.
 *
 * Threading: macros only. */
#ifndef FREEHOLD_ATTRS_H
#define FREEHOLD_ATTRS_H

#include "freehold/deed.h"

/* The result must be looked at. */
#define FH_MUST_USE FH_ATTR(warn_unused_result)
/* Printf-style format check; `fmt` and `first` count arguments from 1. */
#define FH_PRINTF(fmt, first) FH_ATTR(format(printf, fmt, first))
/* Visible outside the shared library; all else is hidden. */
#define FH_API FH_ATTR(visibility("default"))
#define FH_NORETURN FH_ATTR(noreturn)
#define FH_UNUSED FH_ATTR(unused)
/* A function in a header whose arguments decide what is left of it. */
#define FH_ALWAYS_INLINE FH_ATTR(always_inline) FH_UNUSED static inline
#define FH_LIKELY(x) __builtin_expect(!!(x), 1)
#define FH_UNLIKELY(x) __builtin_expect(!!(x), 0)

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FH_HAS_TSAN 1
#endif
#endif

#ifdef __cplusplus
#define FH_EXTERN_BEGIN extern "C" {
#define FH_EXTERN_END }
#else
#define FH_EXTERN_BEGIN
#define FH_EXTERN_END
#endif

#endif
