/* view_0401.c: deed refuses it as FH0401, a borrow crosses to another thread. */
#include "../ui.h"

void f(void) {
    tensor *t = tensor_new(3);
    const tensor *view = t;
    thread_start(0, (void *)view); //~ FH0401 FH0504
    tensor_free(t);
}
