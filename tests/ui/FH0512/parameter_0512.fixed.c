/* parameter_0512.fixed.c: accepted, the corrected twin of parameter_0512.c. */
#include "../ui.h"

static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
int f(unsigned month) {
    return month < 12 ? days[month] : 0;
}
