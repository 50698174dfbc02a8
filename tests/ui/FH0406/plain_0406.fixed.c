/* plain_0406.fixed.c: accepted, the corrected twin of plain_0406.c. */
#include "../ui.h"

typedef fh_sync struct tally {
    mutex m;
    fh_guarded(m) int count;
} tally;

int count(fh_ref tally *t);
