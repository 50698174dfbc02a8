/* refilled_0101.c: deed refuses it as FH0101, a call that failed may have left its output as it was: moved. */
#include "../ui.h"

int f(fh_mut queue *q) {
    tensor *t = tensor_new(3);
    queue_push(q, t);
    fh_status s = tensor_make(3, &t);
    tensor_free(t); //~ FH0101
    return fh_failed(s);
}
