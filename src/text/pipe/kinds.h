/* kinds.h: cuts text by what its characters are, without an expression: at white space, punctuation, digits, words.
 *
 *     {.space = FH_KIND_DROP, .punct = FH_KIND_ALONE}     BertPreTokenizer
 *     {.space = FH_KIND_DROP, .word = FH_KIND_RUN}        \w+|[^\w\s]+, the reference's Whitespace
 *     {.number = FH_KIND_ALONE}                           Digits, each for itself
 *
 * The first class of space, punct, number, word that the set speaks of and that has the character decides; any other is
 * FH_KIND_REST. Classes are those of the reference (text/unicode.h). Threading: pure functions. */
#ifndef FH_TEXT_PIPE_KINDS_H
#define FH_TEXT_PIPE_KINDS_H

#include "freehold/span.h"
#include "text/kern/mask.h"

/* What becomes of a character: pieces are the longest runs of REST or of RUN, and each character that stands ALONE; what is to
 * DROP is in no piece. */
typedef enum fh_kind { FH_KIND_REST, FH_KIND_RUN, FH_KIND_ALONE, FH_KIND_DROP } fh_kind;

typedef struct fh_kinds {
    fh_kind space, punct, number, word; /* REST: the set does not speak of it */
    bool chinese;                       /* what BERT takes for Chinese stands alone, before anything else counts */
} fh_kinds;

/* A stretch of one kind (of ALONE: one character). */
typedef struct fh_stretch {
    uint32_t begin, end;
    fh_kind kind;
} fh_stretch;
FH_SPAN_DEFINE(stretch, fh_stretch);

/* The kind of a character. */
fh_kind fh_kinds_of(const fh_kinds *k, uint32_t code);
/* The stretches of as much of the text from *at on as fit into `out` (at least FH_MASK_BYTES of them) without much ado, those
 * to drop included: they cover the text. At least one if *at < text.size. A stretch is never cut in two. Returns how many, and
 * advances *at behind the last. The text is shorter than 4 GiB. */
size_t fh_kinds_cut(const fh_kinds *k, fh_masks_fn *masks, fh_span text, fh_mut size_t *at, fh_stretchs out);

#endif
