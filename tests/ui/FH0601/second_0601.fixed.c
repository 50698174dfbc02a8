/* second_0601.fixed.c: accepted, the corrected twin of second_0601.c. */
#include "../ui.h"

int both_sums(fh_ref const tensor *a, fh_mut tensor *b);

int f(fh_mut tensor *t, fh_ref const tensor *u) {
    return both_sums(u, t);
}
