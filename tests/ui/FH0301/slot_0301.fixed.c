/* slot_0301.fixed.c: accepted, the corrected twin of slot_0301.c. */
#include "../ui.h"

void f(fh_drop tensor **t, int n) {
    if (n > 3)
        look("many");
    tensor_free(*t);
    *t = NULL;
}
