/* copied_0301.fixed.c: accepted, the corrected twin of copied_0301.c. */
#include "../ui.h"

typedef struct holder {
    fh_owned tensor *t;
    int n;
} holder;

int f(void) {
    holder h = {.t = tensor_new(3), .n = 1};
    holder k = h;
    tensor_free(k.t);
    return k.n;
}
