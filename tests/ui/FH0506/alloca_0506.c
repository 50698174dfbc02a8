/* alloca_0506.c: deed refuses it as FH0506, an array of variable length, alloca, setjmp or inline assembly. */
#include "../ui.h"

void f(int n) {
    int *p = __builtin_alloca(8); //~ FH0506
    *p = n;
}
