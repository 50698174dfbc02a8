/* variable_0512.fixed.c: accepted, the corrected twin of variable_0512.c. */
#include "../ui.h"

static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
static _Thread_local unsigned month;

void step(void);
void set(unsigned to) {
    month = to;
}
int f(void) {
    unsigned now = month;
    if (now >= 12)
        return 0;
    step();
    return days[now];
}
