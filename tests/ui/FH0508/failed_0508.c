/* failed_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

fh_status count(fh_ref const tensor *t, fh_out int *out);

int f(fh_ref const tensor *t) {
    int n;
    if (fh_failed(count(t, &n)))
        return n; //~ FH0508
    return 0;
}
