#include "../ui.h"

fh_status f(int n, fh_out int *out) {
    if (n > 3)
        *out = n;
    return FH_DONE;
}
