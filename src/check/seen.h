/* seen.h: what was checked before and found clean: a set of 64-bit prints.
 *
 * A print stands for the body of one function of a header and for everything in its unit that the rules look at
 * (clang_print.c): two units that give it the same print get the same findings for it. Only functions without a finding are
 * kept, so a finding is found in each unit, whichever is checked first.
 *
 * Threading: one thread at a time; a process that forks hands a copy on. */
#ifndef FH_CHECK_SEEN_H
#define FH_CHECK_SEEN_H

#include "freehold/span.h"

enum { DEED_SEEN_MAX = 1 << 16 };

/* Open addressing over zeroed storage of the caller: 0 is a free place. */
typedef struct deed_seen {
    fh_u64s places; /* DEED_SEEN_MAX of them */
    size_t count;
} deed_seen;

/* The place of a print, or the free place where it would stand. */
static inline size_t deed_seen_place(fh_ref const deed_seen *seen, uint64_t print) {
    size_t i = print % DEED_SEEN_MAX;
    while (fh_u64s_get(seen->places, i) != 0 && fh_u64s_get(seen->places, i) != print)
        i = (i + 1) % DEED_SEEN_MAX;
    return i;
}

static inline bool deed_seen_has(fh_ref const deed_seen *seen, uint64_t print) {
    return fh_u64s_get(seen->places, deed_seen_place(seen, print)) == print;
}

/* Adds a print; a set that is half full stays as it is: what is not in it is checked again. */
static inline void deed_seen_add(fh_mut deed_seen *seen, uint64_t print) {
    if (seen->count >= DEED_SEEN_MAX / 2 || deed_seen_has(seen, print))
        return;
    fh_u64s_set(seen->places, deed_seen_place(seen, print), print);
    seen->count++;
}

#endif
