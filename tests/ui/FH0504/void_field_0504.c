/* void_field_0504.c: deed refuses it as FH0504, a cast that makes or changes a pointer. */
#include "../ui.h"

struct small {
    int a;
};
struct large {
    int a[8];
};
struct job {
    const void *op;
};
int f(fh_ref const struct job *j) {
    const struct large *l = j->op; //~ FH0504
    return l->a[7];
}
