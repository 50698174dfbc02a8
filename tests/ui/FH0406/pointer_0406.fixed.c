/* pointer_0406.fixed.c: accepted, the corrected twin of pointer_0406.c. */
#include "../ui.h"

typedef fh_sync struct names {
    const char *const first;
    const int count;
} names;

int count(fh_ref const names *n);
