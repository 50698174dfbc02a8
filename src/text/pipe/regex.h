/* regex.h: finds what the regular expression of a tokenizer's part matches.
 *
 *     fh_regex *re;
 *     FH_TRY(fh_regex_new(a, FH_LIT("\\s+"), &re, err));                shared by any number of threads
 *     fh_finder f;
 *     fh_finder_init(&f, a);                                           one a thread
 *     fh_finder_start(&f);
 *     fh_match m;
 *     while ((s = fh_finder_next(&f, re, text, &m)).code == FH_OK) …   m.begin ≤ m.end, in order, not overlapping
 *     fh_finder_deinit(&f);                                            s is FH_END after the last match
 *
 * Matches are those of the reference's engine (Oniguruma over UTF-8, find_iter): leftmost, by backtracking; an empty match
 * right behind the one before is passed over. The expressions of well-known models have scanners (scan.h), a text stands for
 * itself, and everything else runs on PCRE2 (dialect.h), whose Unicode may be older than the reference's 16.0.
 *
 * Threading: fh_regex immutable; fh_finder one thread. */
#ifndef FH_TEXT_PIPE_REGEX_H
#define FH_TEXT_PIPE_REGEX_H

#include "freehold/alloc.h"
#include "text/pipe/scan.h"

/* A compiled expression. */
typedef struct fh_regex fh_regex;
/* Compiles. FH_INVALID names what is wrong and where; FH_LIMIT for an expression that is too large; FH_NOMEM. */
FH_MUST_USE fh_status fh_regex_new(fh_ref fh_allocator *a, fh_span pattern, fh_owned fh_regex **out, fh_mut fh_err *err);
/* Matches the text itself. */
FH_MUST_USE fh_status fh_regex_literal(fh_ref fh_allocator *a, fh_span text, fh_owned fh_regex **out, fh_mut fh_err *err);
void fh_regex_free(fh_drop fh_regex *re);
/* The pattern or text that it was made of. Valid until: the end of re. */
fh_span fh_regex_source(fh_ref const fh_regex *re) fh_view(1);
bool fh_regex_is_literal(fh_ref const fh_regex *re);

/* One match: bytes [begin, end) of the text. */
typedef struct fh_match {
    size_t begin, end;
} fh_match;

/* A walk over the matches of one text. */
typedef struct fh_finder {
    fh_ref fh_allocator *allocator;
    fh_owned_or_null struct fh_pcre_room *room; /* made by the first search that needs it */
    size_t at, last; /* where to look; where the last match ended, or SIZE_MAX */
} fh_finder;

void fh_finder_init(fh_owned fh_view(2) fh_finder *f, fh_ref fh_allocator *a);
void fh_finder_deinit(fh_drop fh_finder *f);
/* Begins a new walk, over any text by any expression. */
void fh_finder_start(fh_mut fh_finder *f);
/* The next match in the same text by the same expression. FH_END: there is none. FH_LIMIT: the expression takes too many steps
 * on this text. FH_INVALID: it runs on PCRE2, and the text is not UTF-8. FH_NOMEM. */
FH_MUST_USE fh_status fh_finder_next(fh_mut fh_finder *f, fh_ref const fh_regex *re, fh_span text, fh_out fh_match *out);

#endif
