/* looked_0102.fixed.c: accepted, the corrected twin of looked_0102.c. */
#include "../ui.h"

void f(fh_mut box *b) {
    tensor *t = box_take(b);
    tensor_free(t);
}
