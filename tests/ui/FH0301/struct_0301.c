/* struct_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

fh_status f(int n) {
    box b;
    FH_TRY(box_init(&b, n));
    return box_sum(&b) > 3 ? FH_DONE : FH_STATUS(FH_INVALID); //~ FH0301
}
