/* looked_0102.c: deed refuses it as FH0102, move out of a borrow. */
#include "../ui.h"

void f(fh_mut box *b) {
    const tensor *t = box_look(b);
    tensor_free((tensor *)t); //~ FH0102 FH0504
}
