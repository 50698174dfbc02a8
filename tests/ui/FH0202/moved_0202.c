/* moved_0202.c: deed refuses it as FH0202, borrowed exclusively and again in one call. */
#include "../ui.h"

void both(fh_move tensor *a, fh_ref const tensor *b);
void f(void) {
    tensor *t = tensor_new(3);
    both(t, t); //~ FH0202
}
