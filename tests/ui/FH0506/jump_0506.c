/* jump_0506.c: deed refuses it as FH0506, an array of variable length, alloca, setjmp or inline assembly. */
#include "../ui.h"

int keep(fh_mut void **where);
int f(fh_mut void **where) {
    int n = __builtin_setjmp(where); //~ FH0506
    return n;
}
