/* through_void_0504.fixed.c: accepted, the corrected twin of through_void_0504.c. */
#include "../ui.h"

struct small {
    int a;
};
struct large {
    int a[8];
};
int f(fh_ref const struct large *l) {
    return l->a[7];
}
