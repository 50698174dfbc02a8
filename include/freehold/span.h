/* span.h: views of contiguous elements that know their length, with checked access.
 *
 *     fh_span s = fh_span_of_str("hello");
 *     uint8_t first = fh_span_at(s, 0);          a bad index ends the program with place and numbers
 *     fh_span tail;
 *     if (!fh_span_slice(s, from, count, &tail)) return FH_STATUS(FH_CORRUPT);    for numbers that come from outside
 *
 * A span owns nothing: it is valid while the owner of its elements lives and is not changed. Outside the audited rooms code
 * reaches elements only through these functions; this file is audited (docs/UNSAFE.md: span-bounds).
 *
 * Invariant span-bounds: `at` points to `count` (for bytes: `size`) readable elements, or count is 0.
 * Threading: values. */
#ifndef FREEHOLD_SPAN_H
#define FREEHOLD_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "freehold/attrs.h"
#include "freehold/status.h"

FH_EXTERN_BEGIN

/* Read-only bytes. Strings are spans too; they need no NUL. */
typedef struct fh_span {
    fh_counted(size) const uint8_t *at;
    size_t size;
} fh_span;

/* Writable bytes. */
typedef struct fh_mspan {
    fh_counted(size) uint8_t *at;
    size_t size;
} fh_mspan;

/*@ predicate readable(fh_span s) = s.size == 0 || \valid_read(s.at + (0 .. s.size - 1));
    predicate writable(fh_mspan s) = s.size == 0 || \valid(s.at + (0 .. s.size - 1)); */

/* Ends the program: index `i` of `count` elements. Only accessors call it. */
/*@ assigns \nothing; ensures \false; */
FH_NORETURN FH_API void fh_bounds_fail(uint64_t i, uint64_t count);

/* A span of a string literal, without its NUL. */
#define FH_LIT(s) fh_span_lit("" s, sizeof(s) - 1)
/* printf arguments for a span under "%.*s": at most 200 bytes of it. */
#define FH_SPAN_FMT(s) fh_span_fmt_size(s), fh_span_fmt_at(s)

/* What FH_LIT and FH_SPAN_FMT stand for; only they call these. */
FH_ALWAYS_INLINE fh_static fh_span fh_span_lit(fh_ref fh_counted(2) const char *text, size_t size) {
    FH_UNSAFE("span-bounds");
    return (fh_span){(const uint8_t *)text, size};
}
FH_ALWAYS_INLINE int fh_span_fmt_size(fh_span s) {
    return (int)(s.size > 200 ? 200 : s.size);
}
FH_ALWAYS_INLINE const uint8_t *fh_span_fmt_at(fh_span s) {
    FH_UNSAFE("span-bounds");
    return s.size != 0 ? s.at : (const uint8_t *)"";
}

/* A span of a NUL-terminated string; NULL gives the empty span. Valid until: the string changes. */
FH_API fh_span fh_span_of_str(fh_ref fh_or_null const char *text) fh_view(1);
/* A read-only view of writable bytes. */
static inline fh_span fh_span_of_mut(fh_mspan s) {
    return (fh_span){s.at, s.size};
}

/* Byte i. */
/*@ requires readable(s); assigns \nothing; ensures i < s.size && \result == s.at[i]; */
static inline uint8_t fh_span_at(fh_span s, size_t i) {
    if (FH_UNLIKELY(i >= s.size))
        fh_bounds_fail(i, s.size);
    FH_UNSAFE("span-bounds");
    return s.at[i];
}
/* Byte i, for writing. */
/*@ requires writable(s); assigns \nothing; ensures i < s.size && \result == s.at + i && \valid(\result); */
static inline uint8_t *fh_mspan_at(fh_mspan s, size_t i) {
    if (FH_UNLIKELY(i >= s.size))
        fh_bounds_fail(i, s.size);
    FH_UNSAFE("span-bounds");
    return s.at + i;
}

/* *out = `count` bytes from `from`; false (and an empty span) when they are not inside s. */
/*@ requires readable(s) && \valid(out); assigns *out;
    ensures \result <==> from + count <= s.size;
    ensures \result ==> readable(*out) && out->size == count && out->at == s.at + (count > 0 ? from : 0);
    ensures !\result ==> out->size == 0; */
FH_MUST_USE static inline bool fh_span_slice(fh_span s, size_t from, size_t count, fh_out fh_view(*1) fh_span *out) {
    bool ok = from <= s.size && count <= s.size - from;
    FH_UNSAFE("span-bounds");
    out->at = !ok ? NULL : count ? s.at + from : s.at;
    out->size = ok ? count : 0;
    return ok;
}
/* The same for writable bytes. */
/*@ requires writable(s) && \valid(out); assigns *out;
    ensures \result <==> from + count <= s.size;
    ensures \result ==> writable(*out) && out->size == count && out->at == s.at + (count > 0 ? from : 0);
    ensures !\result ==> out->size == 0; */
FH_MUST_USE static inline bool fh_mspan_slice(fh_mspan s, size_t from, size_t count, fh_out fh_view(*1) fh_mspan *out) {
    bool ok = from <= s.size && count <= s.size - from;
    FH_UNSAFE("span-bounds");
    out->at = !ok ? NULL : count ? s.at + from : s.at;
    out->size = ok ? count : 0;
    return ok;
}
/* `count` bytes from `from`, for numbers the caller has proved; a miss ends the program. */
/*@ requires readable(s); assigns \nothing;
    ensures readable(\result) && \result.size == count && from + count <= s.size;
    ensures \result.at == s.at + (count > 0 ? from : 0); */
static inline fh_span fh_span_sub(fh_span s, size_t from, size_t count) {
    fh_span out;
    if (FH_UNLIKELY(!fh_span_slice(s, from, count, &out)))
        fh_bounds_fail(from, s.size);
    return out;
}
/* Everything from `from`. */
/*@ requires readable(s); assigns \nothing; ensures readable(\result) && \result.size == s.size - from; */
static inline fh_span fh_span_from(fh_span s, size_t from) {
    return fh_span_sub(s, from, from <= s.size ? s.size - from : 0);
}

/* Equality of bytes. */
FH_API bool fh_span_equal(fh_span a, fh_span b);
/* Equality with a NUL-terminated string. */
FH_API bool fh_span_is(fh_span a, fh_ref const char *text);
/* True if a begins with b. */
FH_API bool fh_span_starts(fh_span a, fh_span b);
/* Order of bytes, shorter first on a common prefix: below, equal to or above 0. */
FH_API int fh_span_compare(fh_span a, fh_span b);
/* Index of the first occurrence of b in a at or after `from`, or SIZE_MAX. An empty b is found at once. */
FH_API size_t fh_span_find(fh_span a, fh_span b, size_t from);
/* Copies all of `from` to the start of `to`; a span too small ends the program. The two may not overlap. */
FH_API void fh_span_copy(fh_mspan to, fh_span from);
/* Sets every byte. */
FH_API void fh_mspan_fill(fh_mspan to, uint8_t value);

/* Little-endian numbers at byte `i`; a miss ends the program. */
/*@ requires readable(s); assigns \nothing; ensures i + 2 <= s.size; */
FH_API uint16_t fh_span_u16(fh_span s, size_t i);
/*@ requires readable(s); assigns \nothing; ensures i + 4 <= s.size; */
FH_API uint32_t fh_span_u32(fh_span s, size_t i);
/*@ requires readable(s); assigns \nothing; ensures i + 8 <= s.size; */
FH_API uint64_t fh_span_u64(fh_span s, size_t i);
/* Writes a little-endian number at byte `i`; a miss ends the program. */
/*@ requires writable(s); assigns s.at[i .. i + 1]; ensures i + 2 <= s.size; */
FH_API void fh_mspan_put_u16(fh_mspan s, size_t i, uint16_t v);
/*@ requires writable(s); assigns s.at[i .. i + 3]; ensures i + 4 <= s.size; */
FH_API void fh_mspan_put_u32(fh_mspan s, size_t i, uint32_t v);
/*@ requires writable(s); assigns s.at[i .. i + 7]; ensures i + 8 <= s.size; */
FH_API void fh_mspan_put_u64(fh_mspan s, size_t i, uint64_t v);

/* A void pointer as one of the type: C++ converts it only on demand. */
#ifdef __cplusplus
#define FH_FROM_VOID(type, p) static_cast<type>(p)
#else
#define FH_FROM_VOID(type, p) (p)
#endif

/* What FH_SPAN_DEFINE is made of: where element `i`, or `n` elements from `from`, of `count` elements of `size` bytes lie. A
 * miss ends the program. */
FH_ALWAYS_INLINE void *fh_element(fh_counted(2, 3) void *at, size_t count, size_t size, size_t i) {
    if (FH_UNLIKELY(i >= count))
        fh_bounds_fail(i, count);
    FH_UNSAFE("span-bounds");
    return (uint8_t *)at + i * size;
}
FH_ALWAYS_INLINE fh_counted(5, 3) void *fh_elements(fh_counted(2, 3) void *at, size_t count, size_t size, size_t from,
                                                    size_t n) {
    if (FH_UNLIKELY(from > count || n > count - from))
        fh_bounds_fail(from, count);
    FH_UNSAFE("span-bounds");
    return n != 0 ? (uint8_t *)at + from * size : at;
}
FH_ALWAYS_INLINE fh_mspan fh_element_bytes(fh_counted(2, 3) void *at, size_t count, size_t size) {
    FH_UNSAFE("span-bounds");
    return (fh_mspan){(uint8_t *)at, count * size};
}

/* Defines fh_NAMEs, a writable span of `type`, with fh_NAMEs_at (checked pointer to element i), _get, _set, _sub (checked
 * slice) and _bytes (its bytes). */
#define FH_SPAN_DEFINE(name, type)                                                                 \
    typedef struct fh_##name##s {                                                                  \
        fh_counted(count) type *at;                                                                \
        size_t count;                                                                              \
    } fh_##name##s;                                                                                \
    FH_UNUSED static inline type *fh_##name##s_at(fh_##name##s s, size_t i) {                      \
        return FH_FROM_VOID(type *, fh_element(s.at, s.count, sizeof *s.at, i));                   \
    }                                                                                              \
    FH_UNUSED static inline type fh_##name##s_get(fh_##name##s s, size_t i) {                      \
        return *fh_##name##s_at(s, i);                                                             \
    }                                                                                              \
    FH_UNUSED static inline void fh_##name##s_set(fh_##name##s s, size_t i, type v) {              \
        *fh_##name##s_at(s, i) = v;                                                                \
    }                                                                                              \
    FH_UNUSED static inline fh_##name##s fh_##name##s_sub(fh_##name##s s, size_t from, size_t n) { \
        type *at = FH_FROM_VOID(type *, fh_elements(s.at, s.count, sizeof *s.at, from, n));        \
        return (fh_##name##s){at, at == NULL ? 0 : n};                                             \
    }                                                                                              \
    FH_UNUSED static inline fh_mspan fh_##name##s_bytes(fh_##name##s s) {                          \
        return fh_element_bytes(s.at, s.count, sizeof *s.at);                                      \
    }                                                                                              \
    struct fh_##name##s

FH_SPAN_DEFINE(f32, float);
FH_SPAN_DEFINE(i32, int32_t);
FH_SPAN_DEFINE(u32, uint32_t);
FH_SPAN_DEFINE(u64, uint64_t);
FH_SPAN_DEFINE(size, size_t);
FH_SPAN_DEFINE(view, fh_span);

FH_EXTERN_END
#endif
