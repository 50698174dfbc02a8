/* varargs_0901.c: deed refuses it as FH0901, outside the checkable dialect. */
#include "../ui.h"

int f(int n, ...) {
    __builtin_va_list args;
    __builtin_va_start(args, n);
    n += __builtin_va_arg(args, int); //~ FH0901
    __builtin_va_end(args);
    return n;
}
