/* void_field_0504.fixed.c: accepted, the corrected twin of void_field_0504.c. */
#include "../ui.h"

struct small {
    int a;
};
struct large {
    int a[8];
};
struct job {
    const struct large *op;
};
int f(fh_ref const struct job *j) {
    const struct large *l = j->op;
    return l->a[7];
}
