/* given_0301.fixed.c: accepted, the corrected twin of given_0301.c. */
#include "../ui.h"

fh_status tensor_give(fh_mut queue *q, fh_move tensor **t);

fh_status f(fh_mut queue *q, int n) {
    tensor *t = tensor_new(n);
    fh_status s = tensor_give(q, &t);
    if (fh_failed(s))
        tensor_free(t);
    return s;
}
