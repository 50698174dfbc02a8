/* loop_0302.c: deed refuses it as FH0302, an assignment overwrites an owned value. */
#include "../ui.h"

void f(int n) {
    tensor *t = NULL;
    for (int i = 0; i < n; i++) {
        t = tensor_new(i); //~ FH0302
    }
    tensor_free(t);
}
