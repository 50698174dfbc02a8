/* array_0304.c: deed refuses it as FH0304, an owned value in a place that is not tracked. */
#include "../ui.h"

void f(queue *q) {
    tensor *all[3] = {0};
    all[1] = tensor_new(3); //~ FH0304
}
