/* chain_0206.fixed.c: accepted, the corrected twin of chain_0206.c. */
#include "../ui.h"

struct shelf {
    box *below;
};
int f(fh_mut struct shelf *s) {
    const tensor *t = s->below->inner;
    int sum = tensor_sum(t);
    tensor_clear(&s->below->inner);
    return sum;
}
