/* loop_0207.fixed.c: accepted, the corrected twin of loop_0207.c. */
#include "../ui.h"

void f(fh_mut tensor *t, int n) {
    for (int i = 0; i < n; i++)
        tensor_grow(t, i);
}
