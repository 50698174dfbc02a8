/* slot_0103.fixed.c: accepted, the corrected twin of slot_0103.c. */
#include "../ui.h"

void f(fh_drop tensor **t) {
    tensor_free(*t);
    *t = NULL;
}
