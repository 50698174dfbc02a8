/* nested_0301.fixed.c: accepted, the corrected twin of nested_0301.c. */
#include "../ui.h"

struct two {
    box x, y;
};
int f(int n) {
    struct two t = {.x = {.inner = tensor_new(n)}, .y = {.n = 1}};
    tensor_free(t.x.inner);
    return t.y.n;
}
