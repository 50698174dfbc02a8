/* loop_0302.fixed.c: accepted, the corrected twin of loop_0302.c. */
#include "../ui.h"

void f(int n) {
    tensor *t = NULL;
    for (int i = 0; i < n; i++) {
        tensor_free(t);
        t = tensor_new(i);
    }
    tensor_free(t);
}
