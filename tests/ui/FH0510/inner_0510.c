/* inner_0510.c: deed refuses it as FH0510, an unsafe region outside the audited rooms. */
#include "../ui.h"

int f(fh_ref const int *at, int n) {
    if (n > 3) {
        FH_UNSAFE("only here"); //~ FH0510
        n = *(at + n); //~ FH0503
    }
    return n;
}
