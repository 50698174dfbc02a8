/* stays_0512.fixed.c: accepted, the corrected twin of stays_0512.c. */
#include "../ui.h"

static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
int f(unsigned month) {
    if (month >= 12)
        return 0;
    return days[month];
}
