/* kept_0102.fixed.c: accepted, the corrected twin of kept_0102.c. */
#include "../ui.h"

void f(fh_mut queue *q, fh_move tensor *t, int n) {
    while (n-- > 0) {
        queue_push(q, t);
        t = tensor_new(n);
    }
    tensor_free(t);
}
