/* local_0205.fixed.c: accepted, the corrected twin of local_0205.c. */
#include "../ui.h"

const char *f(fh_ref const box *b, int n) fh_view(1);
const char *f(fh_ref const box *b, int n) {
    const tensor *t = box_look(b);
    const char *name = n > 3 ? tensor_name(t) : "none";
    return name;
}
