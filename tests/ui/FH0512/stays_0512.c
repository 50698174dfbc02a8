/* stays_0512.c: deed refuses it as FH0512, an index that nothing bounds. */
#include "../ui.h"

static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
void warn(unsigned month);
int f(unsigned month) {
    if (month >= 12)
        warn(month);
    return days[month]; //~ FH0512
}
