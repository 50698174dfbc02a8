/* nfc.h: Unicode normalization form C (UAX #15): canonical decomposition, ordering, composition; the characters of
 * Unicode 9.0, as in the reference implementation.
 *
 * Threading: pure functions; the tables (nfc_tables.c, made by tools/unicode/generate.py) are constants. */
#ifndef FH_TEXT_NFC_H
#define FH_TEXT_NFC_H

#include "freehold/buf.h"
#include "freehold/tokenizer.h"

enum { FH_NFC_CELLS = 11904, FH_NFC_DECOMPOSITIONS = 2060, FH_NFC_POOL = 3404, FH_NFC_PAIRS = 940 };

/* left + right = whole. */
typedef struct fh_nfc_pair {
    uint32_t left, right, whole;
} fh_nfc_pair;

/* The combining class of each code point, or 255 for class 0 that may change or join what stands before: rows of 128. */
extern const uint8_t fh_nfc_block[0x110000 / 128];
extern const uint8_t fh_nfc_cells[FH_NFC_CELLS];
/* Full decompositions: code points in order, where in the pool each begins and, with the next, ends. */
extern const uint32_t fh_nfc_from[FH_NFC_DECOMPOSITIONS];
extern const uint16_t fh_nfc_starts[FH_NFC_DECOMPOSITIONS + 1];
extern const uint32_t fh_nfc_pool[FH_NFC_POOL];
/* Compositions in the order of (left, right). */
extern const fh_nfc_pair fh_nfc_pairs[FH_NFC_PAIRS];

/* Appends text in form C to out; bytes that are not UTF-8 stay as they are. `scratch` is emptied and used. Time is linear
 * in the text's size. FH_NOMEM, FH_LIMIT. */
FH_MUST_USE fh_status fh_nfc_put(fh_span text, fh_mut fh_ids *scratch, fh_mut fh_buf *out);

#endif
