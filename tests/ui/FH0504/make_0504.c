/* make_0504.c: deed refuses it as FH0504, a cast that makes or changes a pointer. */
#include "../ui.h"

void f(unsigned long at) {
    tensor_sum((const tensor *)at); //~ FH0504
}
