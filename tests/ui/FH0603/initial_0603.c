/* initial_0603.c: deed refuses it as FH0603, a function in a pointer of another contract. */
#include "../ui.h"

void f(fh_move tensor *t) {
    void (*end)(fh_mut tensor *t) = tensor_free; //~ FH0603
    end(t);
    tensor_free(t);
}
