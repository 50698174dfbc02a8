/* two_names_0305.c: deed refuses it as FH0305, dropped twice. */
#include "../ui.h"

struct shelf {
    box *below;
};
void f(fh_mut struct shelf *s) {
    box *b = s->below;
    tensor_free(b->inner);
    tensor_free(s->below->inner); //~ FH0305
    b->inner = NULL;
}
