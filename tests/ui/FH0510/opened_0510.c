/* opened_0510.c: deed refuses it as FH0510, an unsafe region outside the audited rooms; and what is in it as what it is. */
#include "../ui.h"

int f(fh_ref const int *at, int i) {
    FH_UNSAFE("callers know best"); //~ FH0510
    return at[i];                   //~ FH0502
}
