/* address_0203.c: deed refuses it as FH0203, a reference to a local leaves its function. */
#include "../ui.h"

const int *f(int n) {
    int local = n + 1;
    return &local; //~ FH0203
}
