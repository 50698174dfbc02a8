/* handed_0101.fixed.c: accepted, the corrected twin of handed_0101.c. */
#include "../ui.h"

void f(int n) {
    box b = {.inner = tensor_new(n), .n = n};
    box c = b;
    box_deinit(&c);
}
