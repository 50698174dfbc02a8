/* switch_0306.fixed.c: accepted, the corrected twin of switch_0306.c. */
#include "../ui.h"

fh_status f(int kind, fh_out int *out) {
    switch (kind) {
    case 1: *out = 10; break;
    case 2: *out = 20; break;
    default: return FH_STATUS(FH_INVALID);
    }
    return FH_DONE;
}
