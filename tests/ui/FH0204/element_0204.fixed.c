/* element_0204.fixed.c: accepted, the corrected twin of element_0204.c. */
#include "../ui.h"

struct shelf {
    const char *names[4];
};
void f(fh_mut fh_view(2) struct shelf *s, fh_ref const tensor *t) {
    s->names[0] = tensor_name(t);
}
