/* mask.h: what up to 64 bytes of text are, one bit a byte.
 *
 *     struct fh_masks m;
 *     size_t size = fh_masks_best()(text, at, &m);         bit i speaks of byte at + i; bits from `size` on are 0
 *
 * Bytes of 0x80 and above are `high` and nothing else. The three kernels give the same bits; which one runs depends on the
 * processor alone. This folder is audited: the kernels load whole vectors (docs/UNSAFE.md: mask-window).
 * Threading: pure functions. */
#ifndef FH_TEXT_KERN_MASK_H
#define FH_TEXT_KERN_MASK_H

#include "freehold/span.h"

enum { FH_MASK_BYTES = 64 };

struct fh_masks {
    uint64_t high;
    uint64_t upper, lower, digit; /* of ASCII */
    uint64_t space;               /* white space: 9 to 13 and 32 */
    uint64_t blank, line;         /* of these: 32; \r and \n */
    uint64_t control;             /* 0 to 31 and 127, white space included */
    uint64_t apostrophe, slash, underscore;
};

/* Looks at min(64, text.size − at) bytes from `at` ≤ text.size; returns how many. */
typedef size_t fh_masks_fn(fh_span text, size_t at, fh_out struct fh_masks *out);

/* The two of them by which white space is found, for those who look at all of a text and need no other. */
struct fh_gaps {
    uint64_t high, space;
};
typedef size_t fh_gaps_fn(fh_span text, size_t at, fh_out struct fh_gaps *out);

/* The fastest one that this processor runs. */
fh_static fh_masks_fn *fh_masks_best(void);
fh_static fh_gaps_fn *fh_gaps_best(void);
/* The specification. */
size_t fh_masks_plain(fh_span text, size_t at, fh_out struct fh_masks *out);
size_t fh_gaps_plain(fh_span text, size_t at, fh_out struct fh_gaps *out);
#if defined(__x86_64__)
/* The vector forms, and whether this processor runs them. */
size_t fh_masks_avx2(fh_span text, size_t at, fh_out struct fh_masks *out);
size_t fh_masks_avx512(fh_span text, size_t at, fh_out struct fh_masks *out);
size_t fh_gaps_avx2(fh_span text, size_t at, fh_out struct fh_gaps *out);
size_t fh_gaps_avx512(fh_span text, size_t at, fh_out struct fh_gaps *out);
bool fh_masks_has_avx2(void);
bool fh_masks_has_avx512(void);
#endif

#endif
