/* cutter.h: a text cut to passages with their tokens, for a model that makes vectors of them.
 *
 *     fh_passage_cutter *c;
 *     FH_TRY(fh_passage_cutter_new(heap, tokenizer, 64, &c, err));
 *     fh_cuts cuts = fh_cuts_begin(c, text);
 *     while (!fh_failed(s = fh_cuts_next(&cuts, &cut, err)))        FH_END behind the last
 *         …
 *
 * A passage is a sentence (sentences.h) with a letter or a digit in it. One of more tokens than a passage may have becomes
 * windows of nearly as many tokens as fit, which begin and end at words where there are some; the next begins a quarter of a
 * window, or up to half of one, before the end of the one before. Its tokens are those of the sentence, between those that the
 * model wants at the beginning and the end of a text: so a passage that is a whole sentence has the tokens that its text has as
 * a query. Threading: one thread. */
#ifndef FREEHOLD_APPS_CUTTER_H
#define FREEHOLD_APPS_CUTTER_H

#include "freehold/sentences.h"
#include "freehold/tokenizer.h"

enum { FH_CUT_TOKENS_MIN = 8 };

/* A passage. */
typedef struct fh_cut {
    fh_range bytes; /* of the text; it neither begins nor ends with white space, nor inside a character */
    uint32_t line;  /* where it begins, from 1 */
    fh_u32s tokens; /* valid until the next call */
} fh_cut;

/* What cutting needs; opaque. One is enough for many texts, one after the other. */
typedef struct fh_passage_cutter fh_passage_cutter;

/* What is left of a text. */
typedef struct fh_cuts {
    fh_mut fh_passage_cutter *cutter;
    fh_span text;
    fh_sentences sentences;
    fh_range sentence; /* its tokens are with the cutter */
    size_t at;         /* of the sentence's own tokens: where the next window begins; 0: with the next sentence */
    size_t counted;    /* bytes of the text of which `line` knows the newlines */
    uint32_t line;
} fh_cuts;

/* Passages of up to tokens_max tokens, at least FH_CUT_TOKENS_MIN. FH_LIMIT: fewer, or the tokenizer puts half of them and more
 * around each text; FH_NOMEM. */
FH_MUST_USE fh_status fh_passage_cutter_new(fh_ref fh_allocator *a, fh_ref fh_tokenizer *tok, size_t tokens_max,
                                    fh_owned fh_view(1, *2) fh_passage_cutter **out, fh_mut fh_err *err);
/* NULL is allowed. */
void fh_passage_cutter_free(fh_drop fh_passage_cutter *c);
/* Before the first passage of a text, in UTF-8. */
fh_cuts fh_cuts_begin(fh_mut fh_passage_cutter *c, fh_span text) fh_view(1, 2);
/* The next passage; FH_END behind the last. FH_NOMEM, FH_LIMIT, and what the tokenizer refuses, with the offset. */
FH_MUST_USE fh_status fh_cuts_next(fh_mut fh_cuts *cuts, fh_out fh_view(1) fh_cut *out, fh_mut fh_err *err);

#endif
