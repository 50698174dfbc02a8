/* forgotten_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

int f(void) {
    tensor *t = tensor_new(3);
    return tensor_sum(t); //~ FH0301
}
