/* view_0307.c: deed refuses it as FH0307, a view that a failed call left NULL. */
#include "../ui.h"

fh_status name_find(fh_ref const tensor *t, fh_out fh_view(1) const char **out);

void f(fh_ref const tensor *t) {
    const char *name = NULL;
    fh_status s = name_find(t, &name);
    if (fh_failed(s))
        tensor_sum(t);
    look(name); //~ FH0307
}
