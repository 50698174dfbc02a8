/* opaque_0301.c: deed refuses it as FH0301, a function that promises to end a value does not pass it on. */
#include "../ui.h"

void f(fh_drop tensor *t, int n) {
    if (n > 3)
        tensor_free(t);
} //~ FH0301
