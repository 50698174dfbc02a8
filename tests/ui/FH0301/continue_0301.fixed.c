/* continue_0301.fixed.c: accepted, the corrected twin of continue_0301.c. */
#include "../ui.h"

void f(int n) {
    for (int i = 0; i < n; i++) {
        tensor *t = tensor_try(i);
        if (t == NULL)
            break;
        if (tensor_sum(t) == 3) {
            tensor_free(t);
            continue;
        }
        tensor_free(t);
    }
}
