/* retry_0902.fixed.c: accepted, the corrected twin of retry_0902.c. */
#include "../ui.h"

fh_status f(int n) {
    fh_status s = FH_STATUS(FH_INVALID);
    return s;
}
