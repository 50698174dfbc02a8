/* whole_0302.c: deed refuses it as FH0302, an assignment overwrites an owned value. */
#include "../ui.h"

void f(int n) {
    box b = {.inner = tensor_new(n), .n = n};
    b = (box){.n = 3}; //~ FH0302
    b.n++;
}
