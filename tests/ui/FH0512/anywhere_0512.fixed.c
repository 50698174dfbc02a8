/* anywhere_0512.fixed.c: accepted, the corrected twin of anywhere_0512.c. */
#include "../ui.h"

static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
int choose(void);
int f(void) {
    int month = 3;
    month = choose();
    return month >= 0 && month < 12 ? days[month] : 0;
}
