/* moved_0202.fixed.c: accepted, the corrected twin of moved_0202.c. */
#include "../ui.h"

void both(fh_move tensor *a, fh_ref const tensor *b);
void f(void) {
    tensor *t = tensor_new(3), *u = tensor_new(4);
    both(t, u);
    tensor_free(u);
}
