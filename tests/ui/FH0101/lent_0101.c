/* lent_0101.c: deed refuses it as FH0101, a pointer is made to a variable whose value is gone. */
#include "../ui.h"

int f(void) {
    tensor *t = tensor_new(3);
    tensor_free(t);
    tensor **slot = &t; //~ FH0101
    return *slot != NULL;
}
