/* address_0302.c: deed refuses it as FH0302, an assignment overwrites an owned value. */
#include "../ui.h"

void f(int n) {
    box a = {.inner = tensor_new(n), .n = n};
    box *p = &a;
    p->inner = NULL; //~ FH0302
}
