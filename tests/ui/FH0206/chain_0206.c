/* chain_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

struct shelf {
    box *below;
};
int f(fh_mut struct shelf *s) {
    const tensor *t = s->below->inner;
    tensor_clear(&s->below->inner);
    return tensor_sum(t); //~ FH0206
}
