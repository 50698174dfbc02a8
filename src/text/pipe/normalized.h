/* normalized.h: text on its way through normalizers and pre-tokenizers, and where each of its bytes came from.
 *
 *     fh_normalized n;
 *     fh_normalized_init(&n, a);
 *     FH_TRY(fh_normalized_reset(&n, section, true));       nothing is copied: the text is the section itself
 *     FH_TRY(fh_normalizer_run(nz, &n));                     the first change makes a copy
 *     fh_span now = fh_normalized_view(&n);
 *     fh_origin o = fh_normalized_origin(&n, from, to);      bytes of the section that [from, to) stands for
 *
 * A change is one walk over the text, from `now` to `edit`, character by character, which fh_normalized_accept makes the new
 * text. What a character that is written stands for is decided by the reference's rule of changes, a number for each:
 *
 *     0      it replaces the character at the cursor, and has its origin; the cursor moves over that
 *     −N     the same, and the next N characters are gone
 *     1      it is new, and has the origin of the byte before the cursor
 *
 * Two things are as lazy as can be: `same` (nothing was written, the text is the original) and `straight` (each byte stands for
 * the character of the original at the same place, as after a lowering of ASCII: no origins are stored).
 *
 * Offsets fit 32 bits: longer texts are refused. Bytes that are not UTF-8 are characters of one byte.
 * Threading: one thread at a time. */
#ifndef FH_TEXT_PIPE_NORMALIZED_H
#define FH_TEXT_PIPE_NORMALIZED_H

#include "text/forms.h"
#include "text/pipe/regex.h"

/* Bytes [begin, end) of the original. */
typedef struct fh_origin {
    uint32_t begin, end;
} fh_origin;
FH_SPAN_DEFINE(origin, fh_origin);
FH_ARRAY_DEFINE(origin);

/* Text with its origins. */
typedef struct fh_traced {
    fh_span original;
    size_t size;              /* bytes of the text */
    bool same;                /* the text is the original; else bytes[0 .. size) */
    bool straight;            /* byte lead + i stands for the original's character at i; else byte i for origins[i] */
    size_t lead;              /* 1 if a byte stands before a text that is straight, for its first character; such a text
                                 changes no more */
    bool tracked;             /* origins are kept at all */
    fh_owned fh_mspan bytes;      /* capacities, kept for the next text */
    fh_owned fh_origins origins;
} fh_traced;

/* A text that is being written. Invariants: as long as `rewritten` is false, the output is the first `size` bytes of the text
 * that is read; as long as `traced` is false, so are its origins. */
typedef struct fh_edit {
    fh_ref fh_allocator *allocator;
    fh_owned fh_mspan bytes;
    fh_owned fh_origins origins;
    size_t size;              /* bytes written */
    size_t cursor;            /* in the text that is read: the next character to be replaced */
    size_t floor;             /* what begins here has nothing before it: a new character there has the origin `bottom` */
    fh_origin bottom;
    bool rewritten, traced;
} fh_edit;

typedef struct fh_normalized {
    fh_traced now;
    fh_edit edit;
    fh_marks_list marks; /* room for normalization forms */
    fh_finder finder;    /* and for expressions */
} fh_normalized;

void fh_normalized_init(fh_owned fh_view(2) fh_normalized *n, fh_ref fh_allocator *a);
void fh_normalized_deinit(fh_drop fh_normalized *n);
/* Takes up another text; memory is kept. Not `tracked`: there are no origins. FH_LIMIT for 4 GiB and more. */
FH_MUST_USE fh_status fh_normalized_reset(fh_mut fh_view(2) fh_normalized *n, fh_span text, bool tracked);
/* Puts a character of ASCII before a text that was just taken up, and not empty. FH_NOMEM. */
FH_MUST_USE fh_status fh_normalized_put_lead(fh_mut fh_normalized *n, uint8_t lead);
/* The text as it is now. Valid until: the next change, reset or deinit. */
fh_span fh_normalized_view(const fh_normalized *n) fh_view(1);
/* Where bytes [begin, end) of the text came from: the first one's begin to the last one's end. An empty range is given back as
 * it is. Only of a tracked text. */
fh_origin fh_normalized_origin(const fh_normalized *n, size_t begin, size_t end);

/* --- changes ---------------------------------------------------------------------------------------------------------- */

/* The text, and the origin of its byte i. */
fh_span fh_traced_view(const fh_traced *t) fh_view(1);
fh_origin fh_traced_origin(const fh_traced *t, size_t i);

/* Begins at the text's start. */
void fh_edit_begin(fh_mut fh_edit *e);
/* Bytes [begin, end) of `from`, whole characters, are written as they are, each a change of 0. */
FH_MUST_USE fh_status fh_edit_keep(fh_mut fh_edit *e, const fh_traced *from, size_t begin, size_t end);
/* Bytes [begin, end) of `from`, whole characters, are written with their own origins, wherever the cursor was; it is at `end`
 * then. */
FH_MUST_USE fh_status fh_edit_copy(fh_mut fh_edit *e, const fh_traced *from, size_t begin, size_t end);
/* The same, with capital letters of ASCII made small. */
FH_MUST_USE fh_status fh_edit_keep_small(fh_mut fh_edit *e, const fh_traced *from, size_t begin, size_t end);
/* fh_edit_keep, but the last byte, of ASCII, becomes another one of ASCII. */
FH_MUST_USE fh_status fh_edit_keep_as(fh_mut fh_edit *e, const fh_traced *from, size_t begin, size_t end, uint8_t last);
/* Writes a character with a change. */
FH_MUST_USE fh_status fh_edit_put(fh_mut fh_edit *e, const fh_traced *from, uint32_t code, ptrdiff_t change);
/* Moves the cursor over `count` characters: they are gone. */
void fh_edit_skip(fh_mut fh_edit *e, const fh_traced *from, size_t count);
/* The two halves of fh_edit_put: what a change stands for, and a character with that origin. */
fh_origin fh_edit_take(fh_mut fh_edit *e, const fh_traced *from, ptrdiff_t change);
FH_MUST_USE fh_status fh_edit_emit(fh_mut fh_edit *e, const fh_traced *from, uint32_t code, fh_origin origin);
/* Bytes of text, all with one origin. */
FH_MUST_USE fh_status fh_edit_emit_text(fh_mut fh_edit *e, const fh_traced *from, fh_span text, fh_origin origin);
/* What was written becomes the text. On failure the text stays as it was. */
FH_MUST_USE fh_status fh_normalized_accept(fh_mut fh_normalized *n);

#endif
