/* field_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

void f(int n) {
    box b = {.inner = tensor_new(n), .n = n};
    if (b.n > 3)
        b.n = 3;
} //~ FH0301
