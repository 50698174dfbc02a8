/* variable_0307.c: deed refuses it as FH0307, NULL in a variable that is lent. */
#include "../ui.h"

void f(int n) {
    tensor *t = NULL;
    if (n > 3)
        tensor_grow(t, n); //~ FH0307
}
