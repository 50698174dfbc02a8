/* loop_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

int f(int n) {
    int last;
    for (int i = 0; i < n; i++)
        last = i;
    return last; //~ FH0508
}
