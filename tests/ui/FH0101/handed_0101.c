/* handed_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

void f(int n) {
    box b = {.inner = tensor_new(n), .n = n};
    box c = b;
    box_deinit(&c);
    box_deinit(&b); //~ FH0101
}
