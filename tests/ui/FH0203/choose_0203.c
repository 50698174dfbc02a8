/* choose_0203.c: deed refuses it as FH0203, a reference to a local leaves its function. */
#include "../ui.h"

const int *f(fh_ref const int *p, int n) fh_view(1);
const int *f(fh_ref const int *p, int n) {
    int local = n;
    return n > 3 ? p : &local; //~ FH0203
}
