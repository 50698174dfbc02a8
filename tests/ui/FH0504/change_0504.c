/* change_0504.c: deed refuses it as FH0504, a cast that makes or changes a pointer. */
#include "../ui.h"

int f(fh_ref const tensor *t) {
    return *(const int *)t; //~ FH0504
}
