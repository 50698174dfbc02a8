/* words.h: the words of a text, which white space divides: where they are, and how often each occurs in many texts.
 *
 *     fh_split split = fh_split_begin(text);
 *     for (fh_range word; fh_split_next(&split, &word);)             text[word.from … word.to)
 *         …
 *
 *     fh_tally *tally;
 *     FH_TRY(fh_tally_new(a, seed, &tally, err));
 *     FH_TRY(fh_tally_add(tally, par, texts, err));                  as often as there is more
 *     FH_TRY(fh_tally_sort(tally, err));
 *     for (size_t i = 0; i < fh_tally_distinct(tally); i++)          the most frequent first
 *         count = fh_tally_get(tally, i, &word);
 *
 * White space is what Unicode calls so (White_Space, 25 code points), in UTF-8; a byte that is no UTF-8 is part of a word.
 * What a tally says depends on the texts alone: not on their order, on the threads, or on the seed.
 *
 * Threading: a split and a tally belong to one thread at a time; fh_tally_add uses those of `par`. Ownership: a split looks
 * into its text; a tally copies each word once. */
#ifndef FREEHOLD_WORDS_H
#define FREEHOLD_WORDS_H

#include "freehold/alloc.h"
#include "freehold/par.h"

FH_EXTERN_BEGIN

/* --- where words are ---------------------------------------------------------------------------------------------------- */

/* What is left of a text: where words begin and where they have ended, a bit for each of the 64 bytes from `block` on. */
typedef struct fh_split {
    fh_span text;
    size_t block;
    uint64_t begins, ends;
    uint64_t before; /* 1: the byte before the next block is white space, or there is none */
} fh_split;

/* Before the first word. */
FH_API fh_split fh_split_begin(fh_span text) fh_view(1);
/* The bytes of the next word; false when there is none. */
FH_MUST_USE FH_API bool fh_split_next(fh_mut fh_split *split, fh_out fh_range *word);
/* The first place at or after `at` ≤ text.size where a space, tab or newline of ASCII stands, or text.size: the words before it
 * and behind it are those of the whole. */
FH_API size_t fh_split_cut(fh_span text, size_t at);

/* How many words a text has. */
FH_API size_t fh_split_count(fh_span text);

/* The words of many texts as columns, on all threads. First rows[i] = the number of words before text i, for i up to and with
 * texts.count: rows.count is one more than that. FH_INVALID. */
FH_FALLIBLE fh_split_rows(fh_ref const fh_par *par, fh_views texts, fh_u64s rows);
/* Then word j of text i begins at byte from[rows[i] + j] of it, and ends before byte to[rows[i] + j]. FH_INVALID: columns of
 * another size, rows of other texts; FH_LIMIT: a text of 4 GiB or more. */
FH_FALLIBLE fh_split_columns(fh_ref const fh_par *par, fh_views texts, fh_u64s rows, fh_u32s from, fh_u32s to);

/* --- how often they occur ----------------------------------------------------------------------------------------------- */

/* Words with their counts. Opaque. */
typedef struct fh_tally fh_tally;

/* An empty tally. `seed` is that of its hashes: a secret number where texts come from strangers. FH_NOMEM. */
FH_FALLIBLE fh_tally_new(fh_ref fh_allocator *a, uint64_t seed, fh_owned fh_view(1) fh_tally **out, fh_mut fh_err *err);
/* NULL is allowed. */
FH_API void fh_tally_free(fh_drop fh_tally *t);
/* Counts the words of texts, with all threads of `par`. FH_NOMEM, FH_LIMIT (2^31 distinct words): then some of them are counted
 * and some are not, and the tally is good for nothing but fh_tally_free. */
FH_FALLIBLE fh_tally_add(fh_mut fh_tally *t, fh_ref const fh_par *par, fh_views texts, fh_mut fh_err *err);
/* Brings what the threads counted together, the most frequent word first, equals by their bytes. FH_NOMEM, FH_LIMIT: as
 * above. */
FH_FALLIBLE fh_tally_sort(fh_mut fh_tally *t, fh_mut fh_err *err);
/* How many words were counted. */
FH_API uint64_t fh_tally_total(fh_ref const fh_tally *t);
/* How many different ones, after fh_tally_sort. */
FH_API size_t fh_tally_distinct(fh_ref const fh_tally *t);
/* Word i < fh_tally_distinct, and how often it was there. Valid until: the next fh_tally_add, sort or free. */
FH_API uint64_t fh_tally_get(fh_ref const fh_tally *t, size_t i, fh_out fh_view(1) fh_span *word);

FH_EXTERN_END
#endif
