/* checked_0301.c: deed refuses it as FH0301, an output is written before a check that may fail. */
#include "../ui.h"

fh_status f(int n, fh_owned tensor **out) {
    *out = tensor_new(n);
    return n > 3 ? tensor_check(*out) : FH_DONE; //~ FH0301
}
