/* two_0506.c: deed refuses it as FH0506, an array of variable length, alloca, setjmp or inline assembly. */
#include "../ui.h"

int f(int n) {
    char text[n + 1]; //~ FH0506
    text[0] = 'a';
    return text[0] + n;
}
