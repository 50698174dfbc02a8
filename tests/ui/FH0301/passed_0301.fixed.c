/* passed_0301.fixed.c: accepted, the corrected twin of passed_0301.c. */
#include "../ui.h"

void f(fh_drop tensor **t, int n) {
    if (n > 3)
        look("many");
    tensor_clear(t);
}
_Bool g(fh_mut queue *q, fh_move tensor **t) {
    return queue_offer(q, t);
}
