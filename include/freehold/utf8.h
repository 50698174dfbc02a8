/* utf8.h: reading and writing UTF-8 (RFC 3629).
 *
 *     for (size_t i = 0; i < text.size;) {
 *         fh_rune r = fh_utf8_next(text, i);      r.code is U+FFFD and r.valid false for one bad byte
 *         i += r.size;
 *     }
 *
 * Threading: pure functions. */
#ifndef FREEHOLD_UTF8_H
#define FREEHOLD_UTF8_H

#include "freehold/span.h"

FH_EXTERN_BEGIN

/* One code point and the bytes it took (1 to 4). */
typedef struct fh_rune {
    uint32_t code;
    uint8_t size;
    bool valid;
} fh_rune;

/* The code point at byte i < text.size. Overlong forms, surrogates, values above U+10FFFF and broken sequences give U+FFFD
 * for one byte. */
FH_API fh_rune fh_utf8_next(fh_span text, size_t i);
/* True if all of text is well formed. */
FH_API bool fh_utf8_valid(fh_span text);
/* The first byte that is no part of a well-formed character, or text.size. */
FH_API size_t fh_utf8_bad(fh_span text);
/* Writes code point `code` (≤ 0x10FFFF) to out[0..4); returns its length. */
FH_API size_t fh_utf8_put(uint32_t code, fh_mut uint8_t out[4]);
/* The length of the longest prefix of text that does not end inside an unfinished, so far well-formed sequence: what may be
 * shown now. */
FH_API size_t fh_utf8_complete(fh_span text);

FH_EXTERN_END
#endif
