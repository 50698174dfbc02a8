/* list_0304.c: deed refuses it as FH0304, an owned value in a place that is not tracked. */
#include "../ui.h"

struct pair {
    tensor *a, *b;
};
struct pair f(int n) {
    struct pair p = {.a = tensor_new(n)};
    p.b = tensor_new(n);
    return p; //~ FH0304
}
