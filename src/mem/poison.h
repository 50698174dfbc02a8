/* poison.h: tells AddressSanitizer and Valgrind which bytes nobody may touch at the moment. Elsewhere the macros do nothing.
 * Bytes that were poisoned count as initialised once they are unpoisoned: who hands them out zeroes them, or keeps their
 * content on purpose. */
#ifndef FH_MEM_POISON_H
#define FH_MEM_POISON_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FH_HAS_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(FH_HAS_ASAN)
#define FH_HAS_ASAN 1
#endif

#if defined(FH_HAS_ASAN)

#include <sanitizer/asan_interface.h>
#define FH_POISON(at, size) __asan_poison_memory_region((at), (size))
#define FH_UNPOISON(at, size) __asan_unpoison_memory_region((at), (size))
/* True if somebody watches: then no fast path may leave a poisoning out. */
#define FH_IS_WATCHED() true

/* Not for the explorer, which would count its steps, nor for deed, which cannot read its assembly. */
#elif !defined(FH_WEAVE) && !defined(FH_DEED) && defined(__has_include) && __has_include(<valgrind/memcheck.h>)

#include <valgrind/memcheck.h>

#include "freehold/atomic.h"
#include "freehold/attrs.h"
/* Asked once: to ask costs a few nanoseconds. */
static inline bool fh_is_on_valgrind(void) {
    static uint8_t known;
    uint8_t answer = fh_load(&known, FH_RELAXED);
    if (FH_UNLIKELY(answer == 0)) {
        answer = RUNNING_ON_VALGRIND != 0 ? 2 : 1;
        fh_store(&known, answer, FH_RELAXED);
    }
    return answer == 2;
}
#define FH_POISON(at, size) ((void)(fh_is_on_valgrind() && VALGRIND_MAKE_MEM_NOACCESS((at), (size))))
#define FH_UNPOISON(at, size) ((void)(fh_is_on_valgrind() && VALGRIND_MAKE_MEM_DEFINED((at), (size))))
#define FH_IS_WATCHED() fh_is_on_valgrind()

#else

#define FH_POISON(at, size) ((void)(at), (void)(size))
#define FH_UNPOISON(at, size) ((void)(at), (void)(size))
#define FH_IS_WATCHED() false

#endif

#endif
