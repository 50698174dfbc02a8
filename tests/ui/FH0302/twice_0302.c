/* twice_0302.c: deed refuses it as FH0302, an assignment overwrites an owned value. */
#include "../ui.h"

void f(void) {
    tensor *t = tensor_new(3);
    t = tensor_new(4); //~ FH0302
    tensor_free(t);
}
