/* second_0306.fixed.c: accepted, the corrected twin of second_0306.c. */
#include "../ui.h"

fh_status f(fh_ref const tensor *t, fh_out int *sum, fh_out int *count) {
    FH_TRY(tensor_check(t));
    *sum = tensor_sum(t);
    *count = 1;
    return FH_DONE;
}
