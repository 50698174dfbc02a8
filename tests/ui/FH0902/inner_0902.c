/* inner_0902.c: deed refuses it as FH0902, a jump backwards. */
#include "../ui.h"

int f(int n) {
    while (n > 0) {
        n--;
    twice:
        n--;
        if (n == 7)
            goto twice; //~ FH0902
    }
    return n;
}
