/* round_0504.c: deed refuses it as FH0504, a cast that makes or changes a pointer. */
#include "../ui.h"

int f(fh_ref const tensor *t) {
    unsigned long n = (unsigned long)t; //~ FH0504
    const tensor *again = (const tensor *)n; //~ FH0504
    return tensor_sum(again);
}
