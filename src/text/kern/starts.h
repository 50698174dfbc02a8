/* starts.h: where in a text one of many words may begin: its first byte is in one set, and the one behind it in another.
 *
 * Added tokens are looked for in every text, and hardly any holds one: this passes over the rest. The kernels give the same
 * places; which one runs depends on the processor alone. This folder is audited: the vector form loads 32 bytes at once
 * (docs/UNSAFE.md: start-window). Threading: pure functions. */
#ifndef FH_TEXT_KERN_STARTS_H
#define FH_TEXT_KERN_STARTS_H

#include "freehold/span.h"

/* A set of bytes: bit h of rows[0][l] for byte 16 h + l, below 128; of rows[1][l] for that byte + 128. */
typedef struct fh_byte_set {
    uint8_t rows[2][16];
} fh_byte_set;

typedef struct fh_starts {
    fh_byte_set first, second;
} fh_starts;

void fh_byte_set_put(fh_mut fh_byte_set *set, uint8_t byte);
bool fh_byte_set_has(const fh_byte_set *set, uint8_t byte);

/* The first place from `at` ≤ text.size on whose byte is in `first`, and the byte behind it in `second`, or not there; or
 * text.size. */
typedef size_t fh_starts_fn(fh_ref const fh_starts *s, fh_span text, size_t at);

/* The fastest one that this processor runs. */
fh_static fh_starts_fn *fh_starts_best(void);
/* The specification. */
size_t fh_starts_plain(fh_ref const fh_starts *s, fh_span text, size_t at);
#if defined(__x86_64__)
/* Only where fh_masks_has_avx2 (mask.h). */
size_t fh_starts_avx2(fh_ref const fh_starts *s, fh_span text, size_t at);
#endif

#endif
