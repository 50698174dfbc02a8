/* record_0508.c: deed refuses it as FH0508, a record without a value is dropped, and another one is read. */
#include "../ui.h"

int f(int n) {
    box b, c;
    if (n > 3)
        return box_sum(&c); //~ FH0508
    box_deinit(&b); //~ FH0508
    return n;
}
