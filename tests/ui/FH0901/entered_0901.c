/* entered_0901.c: deed refuses it as FH0901, outside the checkable dialect. */
#include "../ui.h"

int f(int n) {
    goto in; //~ FH0901
    if (n > 3) {
    in:
        n++;
    }
    return n;
}
