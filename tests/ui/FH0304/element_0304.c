/* element_0304.c: deed refuses it as FH0304, an owned value in a place that is not tracked. */
#include "../ui.h"

struct shelf {
    tensor *all[4];
};
void f(fh_mut struct shelf *s, fh_move tensor *t) {
    s->all[0] = t; //~ FH0304
}
