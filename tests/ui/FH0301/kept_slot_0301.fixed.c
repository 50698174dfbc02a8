/* kept_slot_0301.fixed.c: accepted, the corrected twin of kept_slot_0301.c. */
#include "../ui.h"

fh_status f(fh_mut queue *q, fh_move tensor **t) {
    if (tensor_sum(*t) == 0)
        return FH_STATUS(FH_INVALID);
    queue_push(q, *t);
    *t = NULL;
    return FH_DONE;
}
