/* countdown_0512.fixed.c: accepted, the corrected twin of countdown_0512.c. */
#include "../ui.h"

static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
int f(void) {
    int sum = 0;
    for (unsigned i = 12; i > 0; i--)
        sum += days[i - 1];
    return sum;
}
