/* view_0303.fixed.c: accepted, the corrected twin of view_0303.c. */
#include "../ui.h"

void f(void) {
    tensor *t = tensor_new(3);
    look(tensor_name(t));
    tensor_free(t);
}
