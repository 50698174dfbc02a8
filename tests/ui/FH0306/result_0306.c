/* result_0306.c: deed refuses it as FH0306, an output is not written before a successful return. */
#include "../ui.h"

fh_owned tensor *f(int n) {
    if (n > 3)
        return tensor_new(n);
} //~ FH0306
