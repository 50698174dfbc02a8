/* looked_0206.fixed.c: accepted, the corrected twin of looked_0206.c. */
#include "../ui.h"

int f(void) {
    box b;
    if (fh_failed(box_init(&b, 1)))
        return 0;
    const tensor *t = b.plain;
    int sum = tensor_sum(t);
    box_deinit(&b);
    return sum;
}
