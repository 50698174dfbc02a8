/* thread_0104.c: deed refuses it as FH0104, moved in an earlier round of the loop. */
#include "../ui.h"

void f(int n) {
    tensor *t = tensor_new(n);
    while (n-- > 0)
        thread_give(t); //~ FH0104
} //~ FH0301
