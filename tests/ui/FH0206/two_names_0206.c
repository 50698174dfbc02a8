/* two_names_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

struct shelf {
    box *below;
};
int f(fh_mut struct shelf *s) {
    box *b = s->below;
    const tensor *seen = b->inner;
    tensor_clear(&s->below->inner);
    return tensor_sum(seen); //~ FH0206
}
