/* local_0505.c: deed refuses it as FH0505, a union with a pointer in it. */
#include "../ui.h"

int f(long bits) {
    union {
        long n;
        const tensor *t; //~ FH0505
    } u = {.n = bits};
    return (int)u.n;
}
