/* void_changed_0504.fixed.c: accepted, the corrected twin of void_changed_0504.c. */
#include "../ui.h"

struct small {
    int a;
};
struct large {
    int a[8];
};
int f(fh_ref const void *ctx) {
    const struct large *l = ctx;
    return l->a[7];
}
