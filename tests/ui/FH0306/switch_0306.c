/* switch_0306.c: deed refuses it as FH0306, an output is not written before a successful return. */
#include "../ui.h"

fh_status f(int kind, fh_out int *out) {
    switch (kind) {
    case 1: *out = 10; break;
    case 2: *out = 20; break;
    }
    return FH_DONE; //~ FH0306
}
