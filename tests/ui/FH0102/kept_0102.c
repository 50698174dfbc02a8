/* kept_0102.c: deed refuses it as FH0102, on some path the parameter still is what was lent. */
#include "../ui.h"

void f(fh_mut queue *q, fh_ref tensor *t, int n) {
    while (n-- > 0) {
        queue_push(q, t); //~ FH0102
        t = tensor_new(n);
    }
    tensor_free(t); //~ FH0102
}
