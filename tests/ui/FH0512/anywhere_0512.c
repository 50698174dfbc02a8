/* anywhere_0512.c: deed refuses it as FH0512, an index that nothing bounds. */
#include "../ui.h"

static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
int choose(void);
int f(void) {
    int month = 3;
    month = choose();
    return month >= 0 ? days[month] : 0; //~ FH0512
}
