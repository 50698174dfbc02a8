/* second_0306.c: deed refuses it as FH0306, an output is not written before a successful return. */
#include "../ui.h"

fh_status f(fh_ref const tensor *t, fh_out int *sum, fh_out int *count) {
    FH_TRY(tensor_check(t));
    *sum = tensor_sum(t);
    return FH_DONE; //~ FH0306
}
