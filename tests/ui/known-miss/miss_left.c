/* miss_left.c: missed: a struct without a value, which a call that failed left as it was, is read. */
#include "../ui.h"

fh_status cut(fh_ref const tensor *t, fh_out fh_view(1) span *out);
void f(fh_ref const tensor *t) {
    span s;
    fh_status status = cut(t, &s);
    print(s); //~ FH0508
    if (fh_failed(status))
        look("failed");
}
