/* copied_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

typedef struct holder {
    fh_owned tensor *t;
    int n;
} holder;

int f(void) {
    holder h = {.t = tensor_new(3), .n = 1};
    holder k = h;
    return k.n; //~ FH0301
}
