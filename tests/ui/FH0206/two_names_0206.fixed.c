/* two_names_0206.fixed.c: accepted, the corrected twin of two_names_0206.c. */
#include "../ui.h"

struct shelf {
    box *below;
};
int f(fh_mut struct shelf *s) {
    box *b = s->below;
    const tensor *seen = b->inner;
    int sum = tensor_sum(seen);
    tensor_clear(&s->below->inner);
    return sum;
}
