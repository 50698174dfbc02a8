/* parameter_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

void f(fh_move tensor *t) {
    tensor_sum(t);
} //~ FH0301
