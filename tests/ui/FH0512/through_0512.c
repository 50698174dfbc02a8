/* through_0512.c: deed refuses it as FH0512, an index that nothing bounds. */
#include "../ui.h"

static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
int f(unsigned month, unsigned other) {
    unsigned *now = &month;
    if (month >= 12)
        return 0;
    *now = other;
    return days[month]; //~ FH0512
}
