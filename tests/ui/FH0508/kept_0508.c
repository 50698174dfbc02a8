/* kept_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

int f(void) {
    int n;
    const int *at = &n; //~ FH0508
    return *at;
}
