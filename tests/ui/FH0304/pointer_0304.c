/* pointer_0304.c: deed refuses it as FH0304, an owned value in a place that is not tracked. */
#include "../ui.h"

void f(fh_mut tensor **at) {
    *at = tensor_new(3); //~ FH0304
}
