/* passed_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

void f(fh_drop tensor **t, int n) {
    if (n > 3)
        tensor_clear(t);
} //~ FH0301
_Bool g(fh_mut queue *q, fh_move tensor **t) {
    queue_offer(q, t);
    return 1; //~ FH0301
}
