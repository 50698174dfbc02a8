/* forms.h: the normalization forms of Unicode (UAX #15): NFC, NFD, NFKC, NFKD, with the characters of Unicode 9.0, as in the
 * reference implementation.
 *
 * Changes are counted as the reference counts them: the first code point of a decomposition replaces its character, the others
 * are new; what is composed away is gone.
 *
 * Threading: pure functions; the tables (form_tables.c, made by tools/unicode/generate.py) are constants. */
#ifndef FH_TEXT_FORMS_H
#define FH_TEXT_FORMS_H

#include "freehold/alloc.h"

typedef enum fh_form { FH_FORM_NFD, FH_FORM_NFC, FH_FORM_NFKD, FH_FORM_NFKC } fh_form;

enum { FH_FORM_CELLS = 17536, FH_CANONICAL = 2060, FH_COMPATIBLE = 3678, FH_FORM_POOL = 9003, FH_FORM_PAIRS = 940 };

/* left + right = whole. */
typedef struct fh_form_pair {
    uint32_t left, right, whole;
} fh_form_pair;

/* Of each code point: the combining class times 16, and a bit 1 << form for each form in which it may change, or join or pass
 * what stands before it. */
extern const uint8_t fh_form_block[0x110000 / 128];
extern const uint8_t fh_form_cells[FH_FORM_CELLS];
extern const uint16_t fh_form_kinds[60];
/* Full decompositions, canonical ones and those of the K forms that are others: code points in order, where in the pool each
 * begins and, with the next, ends. */
extern const uint32_t fh_canonical_from[FH_CANONICAL], fh_compatible_from[FH_COMPATIBLE];
extern const uint16_t fh_canonical_starts[FH_CANONICAL + 1], fh_compatible_starts[FH_COMPATIBLE + 1];
extern const uint32_t fh_form_pool[FH_FORM_POOL];
/* Compositions in the order of (left, right). */
extern const fh_form_pair fh_form_pairs[FH_FORM_PAIRS];

/* True if a character stays what it is, wherever it stands, and what follows cannot pass it. In NFC and NFKC what follows may
 * still join it. */
static inline bool fh_form_keeps(fh_form form, uint32_t code) {
    return code > 0x10ffff || (fh_form_kinds[fh_form_cells[fh_form_block[code / 128] * 128u + code % 128]] >> form & 1) == 0;
}

/* A code point on its way, with its change. */
typedef struct fh_mark {
    uint32_t code;
    int32_t change;
} fh_mark;
FH_SPAN_DEFINE(mark, fh_mark);
FH_ARRAY_DEFINE(mark);

/* A growing list of them. */
typedef struct fh_marks_list {
    fh_ref fh_allocator *allocator;
    fh_owned fh_marks items; /* items.count is the capacity */
    size_t count;
} fh_marks_list;

void fh_marks_list_init(fh_owned fh_view(2) fh_marks_list *list, fh_ref fh_allocator *a);
void fh_marks_list_deinit(fh_drop fh_marks_list *list);

/* Brings a stretch of well-formed text into a form: the list is emptied and filled. The stretch is whole: nothing that follows
 * it or stands before it takes part. Time is linear in its size. FH_NOMEM. */
FH_MUST_USE fh_status fh_form_put(fh_form form, fh_span text, fh_mut fh_marks_list *list);

#endif
