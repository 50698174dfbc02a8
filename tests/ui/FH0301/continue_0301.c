/* continue_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

void f(int n) {
    for (int i = 0; i < n; i++) {
        tensor *t = tensor_try(i);
        if (t == NULL)
            break;
        if (tensor_sum(t) == 3)
            continue; //~ FH0301
        tensor_free(t);
    }
}
