/* assigned_0603.c: deed refuses it as FH0603, a function in a pointer of another contract. */
#include "../ui.h"

typedef void (*tensor_end)(fh_drop tensor *t);
void tensor_show(fh_mut tensor *t);

void f(fh_move tensor *t) {
    tensor_end end = tensor_free;
    end = tensor_show; //~ FH0603
    end(t);
}
