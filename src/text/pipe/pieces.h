/* pieces.h: a text as a list of pieces, on its way from the normalizer to the model.
 *
 *     fh_pieces p;
 *     fh_pieces_init(&p, a);
 *     fh_pieces_reset(&p, 0);                                          the section begins at byte 0 of the input
 *     FH_TRY(fh_pieces_add(&p, (fh_piece){0, size, FH_NO_TOKEN, true}));
 *     FH_TRY(fh_pretokenizer_run(pt, &p, &n, false));
 *     for (size_t i = 0; i < p.count; i++) … fh_pieces_get(&p, i) …    ranges of fh_normalized_view(&n)
 *
 * A piece is a range of the text of ONE fh_normalized, in order and without overlaps; what lies between two pieces was removed.
 * A piece that is a token already (an added token that was found in the text) is left alone by everything.
 *
 * Memory is kept from text to text. Threading: one thread at a time. */
#ifndef FH_TEXT_PIPE_PIECES_H
#define FH_TEXT_PIPE_PIECES_H

#include "freehold/tokenizer.h"
#include "text/pipe/normalized.h"
#include "text/pipe/regex.h"

typedef struct fh_piece {
    uint32_t begin, end;
    uint32_t token; /* its id, or FH_NO_TOKEN for text */
    bool at_start;  /* it begins where the input begins: what Metaspace with the scheme "first" asks */
} fh_piece;
FH_SPAN_DEFINE(piece_item, fh_piece);
FH_ARRAY_DEFINE(piece_item);

/* The list; `count` pieces. The other fields are private. */
typedef struct fh_pieces {
    size_t count;
    fh_ref fh_allocator *allocator;
    fh_owned fh_piece_items items, old; /* old: what a step reads while it writes items */
    size_t base;                        /* where the section begins in the input */
    fh_finder finder;
    fh_masks_fn *masks;
} fh_pieces;

void fh_pieces_init(fh_owned fh_view(2) fh_pieces *p, fh_ref fh_allocator *a);
void fh_pieces_deinit(fh_drop fh_pieces *p);
/* No pieces, of a section that begins at byte `base` of its input. */
void fh_pieces_reset(fh_mut fh_pieces *p, size_t base);
/* Appends a piece; text without a byte is left out. FH_NOMEM. */
FH_MUST_USE fh_status fh_pieces_add(fh_mut fh_pieces *p, fh_piece piece);
/* Piece i < count. */
fh_piece fh_pieces_get(const fh_pieces *p, size_t i);

/* --- for the steps of a pre-tokenizer ----------------------------------------------------------------------------------- */

/* The pieces become the old ones, of which there were so many, and the list is empty. */
size_t fh_pieces_turn(fh_mut fh_pieces *p);
fh_piece fh_pieces_old(const fh_pieces *p, size_t i);
/* Appends bytes [begin, end) of n's text, cut out of a larger piece. */
FH_MUST_USE fh_status fh_pieces_cut(fh_mut fh_pieces *p, const fh_normalized *n, size_t begin, size_t end);
/* The same for stretches that lie one behind the other from `begin` on, none of them empty, and end at base + ends[…]. */
FH_MUST_USE fh_status fh_pieces_cut_ends(fh_mut fh_pieces *p, const fh_normalized *n, size_t begin, size_t base, fh_u32s ends);
/* Makes room for `more` pieces beyond count. FH_NOMEM. */
FH_MUST_USE fh_status fh_pieces_reserve(fh_mut fh_pieces *p, size_t more);
/* True if only a piece that begins at byte 0 of n's text can be where the input begins. */
static inline bool fh_pieces_begin_plainly(const fh_normalized *n) {
    return n->now.straight || !n->now.tracked;
}
/* fh_pieces_cut where there is room, for a stretch that is not empty and not where the input begins. */
static inline void fh_pieces_put(fh_mut fh_pieces *p, size_t begin, size_t end) {
    fh_piece_items_set(p->items, p->count++, (fh_piece){(uint32_t)begin, (uint32_t)end, FH_NO_TOKEN, false});
}

/* What becomes of the stretches of a piece that match a pattern, and of those between them. */
typedef enum fh_behavior {
    FH_BEHAVIOR_REMOVED,  /* matches go */
    FH_BEHAVIOR_ISOLATED, /* each is a piece */
    FH_BEHAVIOR_PREVIOUS, /* a match joins what is before it */
    FH_BEHAVIOR_NEXT,     /* … what is behind it */
    FH_BEHAVIOR_CONTIGUOUS, /* matches in a row are one piece */
    FH_BEHAVIOR_COUNT
} fh_behavior;

/* Stretches on their way to pieces, one after the other; they cover the piece. */
typedef struct fh_cutter {
    fh_behavior behavior;
    bool open, match, before; /* a piece is not finished; it is a match; the last stretch was one */
    size_t begin, end;
} fh_cutter;
FH_MUST_USE fh_status fh_cutter_put(fh_mut fh_cutter *c, fh_mut fh_pieces *p, const fh_normalized *n, size_t begin, size_t end,
                                    bool match);
/* After the last stretch. */
FH_MUST_USE fh_status fh_cutter_end(fh_mut fh_cutter *c, fh_mut fh_pieces *p, const fh_normalized *n);

#endif
