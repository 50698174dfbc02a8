/* global_0304.c: deed refuses it as FH0304, an owned value in a place that is not tracked. */
#include "../ui.h"

static _Thread_local tensor *kept;
void f(void) {
    kept = tensor_new(3); //~ FH0304
}
