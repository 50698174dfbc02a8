/* variable_0512.c: deed refuses it as FH0512, an index that nothing bounds. */
#include "../ui.h"

static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
static _Thread_local unsigned month;

void step(void);
void set(unsigned to) {
    month = to;
}
int f(void) {
    if (month >= 12)
        return 0;
    step();
    return days[month]; //~ FH0512
}
