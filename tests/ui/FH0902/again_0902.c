/* again_0902.c: deed refuses it as FH0902, a jump backwards. */
#include "../ui.h"

void f(int n) {
again:
    n--;
    if (n > 0)
        goto again; //~ FH0902
}
