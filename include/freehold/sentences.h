/* sentences.h: the sentences of a text: where they are.
 *
 *     fh_sentences s = fh_sentences_begin(text);
 *     for (fh_range sentence; fh_sentences_next(&s, &sentence);)            text[sentence.from … sentence.to)
 *         …
 *
 * A sentence ends
 *   - behind a word that ends with . ! ? or U+2026, quotes and brackets that close not counted, unless the next word begins
 *     with a small letter of ASCII, or the word is a title (Mr. Mrs. Ms. Dr. Prof. St.) or a single capital letter;
 *   - behind U+3002, U+FF01 and U+FF1F, where no white space is needed;
 *   - at a line without words, and before a line that begins with a mark of a list or a heading (- * + # ## …);
 *   - where it would be longer than FH_SENTENCE_MAX bytes: behind the last word that fits, or inside a word, between two
 *     characters.
 * Each byte that is not white space (as in words.h) lies in exactly one sentence; none begins or ends with white space. Bytes
 * that are no UTF-8 are parts of words.
 *
 * Threading: values. Ownership: it looks into its text. */
#ifndef FREEHOLD_SENTENCES_H
#define FREEHOLD_SENTENCES_H

#include "freehold/words.h"

FH_EXTERN_BEGIN

enum { FH_SENTENCE_MAX = 8192 };

/* What is left of a text. */
typedef struct fh_sentences {
    fh_split split;
    fh_range word; /* the next one, or what is left of it; empty: there is none */
} fh_sentences;

/* Before the first sentence. */
FH_API fh_sentences fh_sentences_begin(fh_span text) fh_view(1);
/* The bytes of the next sentence; false when there is none. */
FH_MUST_USE FH_API bool fh_sentences_next(fh_mut fh_sentences *s, fh_out fh_range *sentence);

FH_EXTERN_END
#endif
