/* break_0301.fixed.c: accepted, the corrected twin of break_0301.c. */
#include "../ui.h"

void f(int n) {
    for (int i = 0; i < n; i++) {
        tensor *t = tensor_new(i);
        if (tensor_sum(t) > 3) {
            tensor_free(t);
            break;
        }
        tensor_free(t);
    }
}
