/* elvis_0901.c: deed refuses it as FH0901, outside the checkable dialect. */
#include "../ui.h"

int f(int n) {
    return n ?: 3; //~ FH0901
}
