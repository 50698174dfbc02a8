/* out_0203.c: deed refuses it as FH0203, a reference to a local leaves its function. */
#include "../ui.h"

void f(fh_out const int **out, int n) {
    int local = n;
    *out = &local; //~ FH0203
}
