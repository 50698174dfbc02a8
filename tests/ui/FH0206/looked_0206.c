/* looked_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

int f(void) {
    box b;
    if (fh_failed(box_init(&b, 1)))
        return 0;
    const tensor *t = b.plain;
    box_deinit(&b);
    return tensor_sum(t); //~ FH0206
}
