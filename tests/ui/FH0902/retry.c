#include "../ui.h"

fh_status f(int n) {
    fh_status s;
retry:
    s = FH_STATUS(FH_INVALID);
    if (n-- > 0)
        goto retry;
    return s;
}
