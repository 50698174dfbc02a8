/* led_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

int f(int n) {
    box *b;
    b->n = n; //~ FH0508
    return n;
}
int g(void) {
    const box *b;
    return b->n; //~ FH0508
}
