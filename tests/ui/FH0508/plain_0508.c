/* plain_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

int f(int n) {
    int sum;
    sum += n; //~ FH0508
    return sum;
}
