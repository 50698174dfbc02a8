/* given_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

fh_status tensor_give(fh_mut queue *q, fh_move tensor **t);

fh_status f(fh_mut queue *q, int n) {
    tensor *t = tensor_new(n);
    fh_status s = tensor_give(q, &t);
    return s; //~ FH0301
}
