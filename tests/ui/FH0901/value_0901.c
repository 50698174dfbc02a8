/* value_0901.c: deed refuses it as FH0901, outside the checkable dialect. */
#include "../ui.h"

void f(int n) {
    tensor *t = ({ //~ FH0901
        tensor *u = tensor_new(n);
        u;
    }); //~ FH0301
    tensor_free(t);
}
