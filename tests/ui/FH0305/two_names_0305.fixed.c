/* two_names_0305.fixed.c: accepted, the corrected twin of two_names_0305.c. */
#include "../ui.h"

struct shelf {
    box *below;
};
void f(fh_mut struct shelf *s) {
    box *b = s->below;
    tensor_free(b->inner);
    b->inner = NULL;
    tensor_free(s->below->inner);
}
