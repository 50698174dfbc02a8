/* reached_0305.fixed.c: accepted, the corrected twin of reached_0305.c. */
#include "../ui.h"

void f(fh_mut box *b, int n) {
    if (n > 3) {
        tensor_free(b->inner);
        b->inner = NULL;
    }
    if (b->inner != NULL) {
        tensor_free(b->inner);
        b->inner = NULL;
    }
}
