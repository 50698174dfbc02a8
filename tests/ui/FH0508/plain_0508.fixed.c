/* plain_0508.fixed.c: accepted, the corrected twin of plain_0508.c. */
#include "../ui.h"

int f(int n) {
    int sum = 0;
    sum += n;
    return sum;
}
