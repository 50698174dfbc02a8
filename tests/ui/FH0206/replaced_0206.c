/* replaced_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

void f(fh_mut box *b) {
    const tensor *t = box_look(b);
    b->n = tensor_sum(t);
    tensor_free(box_take(b));
    tensor_sum(t); //~ FH0206
}
