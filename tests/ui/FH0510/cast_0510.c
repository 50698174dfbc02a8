/* cast_0510.c: deed refuses it as FH0510, an unsafe region outside the audited rooms. */
#include "../ui.h"

int f(fh_ref const tensor *t) {
    FH_UNSAFE("the layout is known"); //~ FH0510
    return *(const int *)t; //~ FH0504
}
