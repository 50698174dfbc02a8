/* inner_loop_0512.fixed.c: accepted, the corrected twin of inner_loop_0512.c. */
#include "../ui.h"

static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
int f(unsigned month) {
    int sum = 0;
    while (month < 12) {
        sum += days[month];
        month += 2;
    }
    return sum;
}
