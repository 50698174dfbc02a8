/* itself_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

int f(void) {
    int n = n + 1; //~ FH0508
    return n;
}
