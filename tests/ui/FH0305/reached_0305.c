/* reached_0305.c: deed refuses it as FH0305, dropped twice. */
#include "../ui.h"

void f(fh_mut box *b, int n) {
    if (n > 3) {
        tensor_free(b->inner);
        b->inner = NULL;
    }
    if (b->inner != NULL) {
        tensor_free(b->inner);
        tensor_free(b->inner); //~ FH0305
        b->inner = NULL;
    }
}
