/* computed_0901.c: deed refuses it as FH0901, outside the checkable dialect. */
#include "../ui.h"

int f(int n) {
    void *where = &&out; //~ FH0901
    if (n > 3)
        goto *where; //~ FH0901
    n++;
out:
    return n;
}
