/* pointer_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

void f(int n) {
    tensor *t;
    if (n > 3)
        t = tensor_new(n);
    tensor_free(t); //~ FH0508
}
