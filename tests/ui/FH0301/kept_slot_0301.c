/* kept_slot_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

fh_status f(fh_mut queue *q, fh_move tensor **t) {
    if (tensor_sum(*t) == 0)
        return FH_DONE; //~ FH0301
    queue_push(q, *t);
    *t = NULL;
    return FH_DONE;
}
