/* empty_0510.c: deed refuses it as FH0510, an unsafe region outside the audited rooms. */
#include "../ui.h"

int f(int n) {
    FH_UNSAFE("nothing in it"); //~ FH0510
    return n;
}
