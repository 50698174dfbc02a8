/* output_0601.fixed.c: accepted, the corrected twin of output_0601.c. */
#include "../ui.h"

fh_status next_of(fh_mut queue *q, fh_out int *count);

fh_status f(fh_mut queue *q) {
    int n = 0;
    return next_of(q, &n);
}
