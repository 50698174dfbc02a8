/* list_0304.fixed.c: accepted, the corrected twin of list_0304.c. */
#include "../ui.h"

struct pair {
    fh_owned tensor *a, *b;
};
fh_owned struct pair f(int n) {
    struct pair p = {.a = tensor_new(n)};
    p.b = tensor_new(n);
    return p;
}
