/* branch_0305.fixed.c: accepted, the corrected twin of branch_0305.c. */
#include "../ui.h"

void f(int n) {
    tensor *t = tensor_new(3);
    if (n > 3) {
        tensor_free(t);
        return;
    }
    tensor_free(t);
}
