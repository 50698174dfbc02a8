/* nested_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

struct two {
    box x, y;
};
int f(int n) {
    struct two t = {.x = {.inner = tensor_new(n)}, .y = {.n = 1}};
    return t.y.n; //~ FH0301
}
