/* array_0506.c: deed refuses it as FH0506, an array of variable length, alloca, setjmp or inline assembly. */
#include "../ui.h"

int f(int n) {
    int all[n]; //~ FH0506
    all[0] = n;
    return all[0];
}
