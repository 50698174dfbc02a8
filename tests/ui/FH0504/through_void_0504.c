/* through_void_0504.c: deed refuses it as FH0504, a cast that makes or changes a pointer. */
#include "../ui.h"

struct small {
    int a;
};
struct large {
    int a[8];
};
int f(fh_ref const struct small *s) {
    const void *any = s;
    const struct large *l = any; //~ FH0504
    return l->a[7];
}
