/* index_0509.c: deed refuses it as FH0509, raw memory outside an unsafe region. */
#include "../ui.h"

int f(fh_ref const int *at, int i) {
    return at[i]; //~ FH0509
}
