/* e0133_0509.c: deed refuses it as FH0509, raw memory outside an unsafe region. */
#include "../ui.h"

int f(fh_ref const int *at) {
    return at[1]; //~ FH0509
}
