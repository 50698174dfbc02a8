/* assembly_0506.c: deed refuses it as FH0506, an array of variable length, alloca, setjmp or inline assembly. */
#include "../ui.h"

int f(int n) {
    __asm__("nop"); //~ FH0506
    return n;
}
