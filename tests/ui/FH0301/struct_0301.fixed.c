/* struct_0301.fixed.c: accepted, the corrected twin of struct_0301.c. */
#include "../ui.h"

fh_status f(int n) {
    box b;
    FH_TRY(box_init(&b, n));
    int sum = box_sum(&b);
    box_deinit(&b);
    return sum > 3 ? FH_DONE : FH_STATUS(FH_INVALID);
}
