/* led_0508.fixed.c: accepted, the corrected twin of led_0508.c. */
#include "../ui.h"

int f(int n) {
    box in = {0}, *b;
    b = &in;
    b->n = n;
    return n;
}
int g(void) {
    const box in = {0}, *b;
    b = &in;
    return b->n;
}
