/* some_0302.c: deed refuses it as FH0302, an assignment overwrites an owned value. */
#include "../ui.h"

int f(int n) {
    box b;
    if (fh_failed(box_init(&b, n)))
        return 0;
    if (n > 3) {
        tensor_free(b.inner);
        b.inner = NULL;
    }
    b.inner = tensor_new(n); //~ FH0302
    box_deinit(&b);
    return 1;
}
