/* pcre.h: the few calls of PCRE2 that regex.c needs, behind spans and statuses.
 *
 * An expression is compiled once and then shared by any number of threads; a finder belongs to one. All their memory comes from
 * our allocators. Threading: see above. */
#ifndef FH_TEXT_KERN_PCRE_H
#define FH_TEXT_KERN_PCRE_H

#include "freehold/alloc.h"

enum {
    FH_PCRE_PATTERN_MAX = 16384,   /* bytes of an expression */
    FH_PCRE_STEPS_MAX = 5000000,   /* steps of backtracking from one place of a text */
    FH_PCRE_MEMORY_KIB = 64 * 1024 /* what a match may use to remember them */
};

/* A compiled expression. */
typedef struct fh_pcre fh_pcre;
/* Compiles a pattern (UTF-8, checked by the caller). FH_INVALID with the place in the pattern; FH_LIMIT, FH_NOMEM. */
FH_MUST_USE fh_status fh_pcre_new(fh_ref fh_allocator *a, fh_span pattern, fh_owned fh_pcre **out, fh_mut fh_err *err);
void fh_pcre_free(fh_drop fh_pcre *re);

/* Room for one search at a time. */
typedef struct fh_pcre_room fh_pcre_room;
FH_MUST_USE fh_status fh_pcre_room_new(fh_ref fh_allocator *a, fh_owned fh_pcre_room **out);
void fh_pcre_room_free(fh_drop fh_pcre_room *room);

/* The first match at or after `from` ≤ text.size, which must be the beginning of a character of well-formed UTF-8: bytes
 * [*begin, *end). FH_END: none. FH_LIMIT: too many steps. FH_NOMEM. */
FH_MUST_USE fh_status fh_pcre_find(fh_ref const fh_pcre *re, fh_mut fh_pcre_room *room, fh_span text, size_t from,
                                   fh_out size_t *begin, fh_out size_t *end);

#endif
