/* some_0302.fixed.c: accepted, the corrected twin of some_0302.c. */
#include "../ui.h"

int f(int n) {
    box b;
    if (fh_failed(box_init(&b, n)))
        return 0;
    if (n > 3) {
        tensor_free(b.inner);
        b.inner = NULL;
    }
    if (b.inner == NULL)
        b.inner = tensor_new(n);
    box_deinit(&b);
    return 1;
}
