/* failed_0508.fixed.c: accepted, the corrected twin of failed_0508.c. */
#include "../ui.h"

fh_status count(fh_ref const tensor *t, fh_out int *out);

int f(fh_ref const tensor *t) {
    int n;
    if (fh_failed(count(t, &n)))
        return 0;
    return n;
}
