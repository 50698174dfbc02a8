/* copied_0204.fixed.c: accepted, the corrected twin of copied_0204.c. */
#include "../ui.h"

struct job {
    const tensor *input;
    int n;
};
int f(fh_ref const tensor *t) {
    struct job next = {.input = t, .n = 1};
    return tensor_sum(next.input);
}
