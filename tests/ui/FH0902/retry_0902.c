/* retry_0902.c: deed refuses it as FH0902, a jump backwards. */
#include "../ui.h"

fh_status f(int n) {
    fh_status s;
retry:
    s = FH_STATUS(FH_INVALID);
    if (n-- > 0)
        goto retry; //~ FH0902
    return s;
}
