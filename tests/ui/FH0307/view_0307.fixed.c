/* view_0307.fixed.c: accepted, the corrected twin of view_0307.c. */
#include "../ui.h"

fh_status name_find(fh_ref const tensor *t, fh_out fh_view(1) const char **out);

void f(fh_ref const tensor *t) {
    const char *name = NULL;
    fh_status s = name_find(t, &name);
    if (fh_failed(s))
        return;
    look(name);
}
