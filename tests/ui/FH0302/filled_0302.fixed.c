/* filled_0302.fixed.c: accepted, the corrected twin of filled_0302.c. */
#include "../ui.h"

int f(int n) {
    box b;
    if (fh_failed(box_init(&b, n)))
        return 0;
    tensor_free(b.inner);
    b.inner = NULL;
    box_deinit(&b);
    return 1;
}
