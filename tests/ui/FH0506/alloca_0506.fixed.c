/* alloca_0506.fixed.c: accepted, the corrected twin of alloca_0506.c. */
#include "../ui.h"

void f(int n) {
    int p = 0;
    p = n;
}
