/* inner_loop_0512.c: deed refuses it as FH0512, an index that nothing bounds. */
#include "../ui.h"

static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
int f(unsigned month) {
    int sum = 0;
    if (month < 12) {
        for (int i = 0; i < 3; i++) {
            sum += days[month]; //~ FH0512
            month += 2;
        }
    }
    return sum;
}
