#include "../ui.h"

fh_status f(int n) {
    fh_status s = FH_STATUS(FH_INVALID);
    return s;
}
