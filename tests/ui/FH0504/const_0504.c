/* const_0504.c: deed refuses it as FH0504, a cast that makes or changes a pointer. */
#include "../ui.h"

void f(fh_ref const tensor *t) {
    tensor *mine = (tensor *)t; //~ FH0504
    tensor_grow(mine, 3);
}
