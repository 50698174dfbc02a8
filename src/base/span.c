/* span.c: the operations on spans that are more than a comparison and a load.
 *
 * This file and span.h are audited: here a span's pointer is followed. Every function takes the size from the span itself and
 * reads or writes [at, at + size) only.
 *
 * Invariant span-bounds: `at` points to `size` readable (fh_mspan: writable) bytes, or size is 0; so a check against `size` is
 * a check of the access. The C library's functions may not be given NULL even for no bytes, so none is called for size 0.
 *
 * Threading: pure functions of their arguments. */
#define _GNU_SOURCE 1 /* memmem, whose time is linear in both sizes: a search over hostile text stays bounded */

#include "freehold/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_include)
#if __has_include(<execinfo.h>)
#define HAVE_BACKTRACE 1
#include <execinfo.h>
#endif
#endif

void fh_bounds_fail(uint64_t i, uint64_t count) {
    FH_UNSAFE("report-format");
    fprintf(stderr, "freehold: index %llu is outside of %llu elements\n", (unsigned long long)i, (unsigned long long)count);
    fflush(stderr);
#ifdef HAVE_BACKTRACE
    /* The accessors are inlined, so the frames below say where the bad index came from. */
    void *frames[16];
    backtrace_symbols_fd(frames, backtrace(frames, 16), 2);
#endif
    abort();
}

fh_span fh_span_of_str(const char *text) {
    FH_UNSAFE("span-bounds");
    return text == NULL ? (fh_span){NULL, 0} : (fh_span){(const uint8_t *)text, strlen(text)};
}

bool fh_span_equal(fh_span a, fh_span b) {
    FH_UNSAFE("span-bounds");
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

bool fh_span_is(fh_span a, const char *text) {
    return fh_span_equal(a, fh_span_of_str(text));
}

bool fh_span_starts(fh_span a, fh_span b) {
    return a.size >= b.size && fh_span_equal((fh_span){a.at, b.size}, b);
}

int fh_span_compare(fh_span a, fh_span b) {
    size_t common = a.size < b.size ? a.size : b.size;
    FH_UNSAFE("span-bounds");
    int order = common == 0 ? 0 : memcmp(a.at, b.at, common);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

size_t fh_span_find(fh_span a, fh_span b, size_t from) {
    fh_span rest;
    if (from > a.size || !fh_span_slice(a, from, a.size - from, &rest) || b.size > rest.size)
        return SIZE_MAX;
    if (b.size == 0)
        return from;
    FH_UNSAFE("span-bounds");
    const uint8_t *hit = memmem(rest.at, rest.size, b.at, b.size);
    return hit == NULL ? SIZE_MAX : (size_t)(hit - a.at);
}

void fh_span_copy(fh_mspan to, fh_span from) {
    if (FH_UNLIKELY(from.size > to.size))
        fh_bounds_fail(from.size, to.size);
    if (from.size == 0)
        return;
    FH_UNSAFE("span-bounds");
    uintptr_t t = (uintptr_t)to.at, f = (uintptr_t)from.at;
    FH_ASSERT(t >= f ? t - f >= from.size : f - t >= from.size);
    memcpy(to.at, from.at, from.size);
}

void fh_mspan_fill(fh_mspan to, uint8_t value) {
    FH_UNSAFE("span-bounds");
    if (to.size != 0)
        memset(to.at, value, to.size);
}

/* --- little-endian numbers; compilers make one load or store of each -------------------------------------------------- */

uint16_t fh_span_u16(fh_span s, size_t i) {
    const uint8_t *p = fh_span_sub(s, i, 2).at;
    FH_UNSAFE("span-bounds");
    return (uint16_t)((uint32_t)p[0] | (uint32_t)p[1] << 8);
}

uint32_t fh_span_u32(fh_span s, size_t i) {
    const uint8_t *p = fh_span_sub(s, i, 4).at;
    FH_UNSAFE("span-bounds");
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t fh_span_u64(fh_span s, size_t i) {
    fh_span eight = fh_span_sub(s, i, 8);
    return fh_span_u32(eight, 0) | (uint64_t)fh_span_u32(eight, 4) << 32;
}

/* Where `count` bytes may be written from i on. */
/*@ requires writable(s) && count > 0; assigns \nothing; ensures i + count <= s.size && \result == s.at + i; */
static uint8_t *room(fh_mspan s, size_t i, size_t count) {
    fh_mspan out;
    if (FH_UNLIKELY(!fh_mspan_slice(s, i, count, &out)))
        fh_bounds_fail(i, s.size);
    return out.at;
}

void fh_mspan_put_u16(fh_mspan s, size_t i, uint16_t v) {
    uint8_t *p = room(s, i, 2);
    FH_UNSAFE("span-bounds");
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

void fh_mspan_put_u32(fh_mspan s, size_t i, uint32_t v) {
    uint8_t *p = room(s, i, 4);
    FH_UNSAFE("span-bounds");
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

void fh_mspan_put_u64(fh_mspan s, size_t i, uint64_t v) {
    uint8_t *p = room(s, i, 8);
    FH_UNSAFE("span-bounds");
    /*@ loop invariant 0 <= k <= 8; loop assigns k, p[0 .. 7]; loop variant 8 - k; */
    for (unsigned k = 0; k < 8; k++)
        p[k] = (uint8_t)(v >> 8 * k);
}
