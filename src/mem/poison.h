/* poison.h: tells AddressSanitizer which bytes nobody may touch at the moment. Elsewhere both macros do nothing. */
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

#ifdef FH_HAS_ASAN
#include <sanitizer/asan_interface.h>
#define FH_POISON(at, size) __asan_poison_memory_region((at), (size))
#define FH_UNPOISON(at, size) __asan_unpoison_memory_region((at), (size))
#else
#define FH_POISON(at, size) ((void)(at), (void)(size))
#define FH_UNPOISON(at, size) ((void)(at), (void)(size))
#endif

#endif
