/* replaced_0206.fixed.c: accepted, the corrected twin of replaced_0206.c. */
#include "../ui.h"

void f(fh_mut box *b) {
    const tensor *t = box_look(b);
    b->n = tensor_sum(t);
    tensor_free(box_take(b));
}
