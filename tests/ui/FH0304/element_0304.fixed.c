/* element_0304.fixed.c: accepted, the corrected twin of element_0304.c. */
#include "../ui.h"

struct shelf {
    fh_owned_or_null tensor *first;
};
void f(fh_mut struct shelf *s, fh_move tensor *t) {
    tensor_free(s->first);
    s->first = t;
}
