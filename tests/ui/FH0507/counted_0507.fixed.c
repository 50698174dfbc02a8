/* counted_0507.fixed.c: accepted, the corrected twin of counted_0507.c. */
#include "../ui.h"

enum { SIZE = 4 };
int f(void) {
    int all[SIZE] = {1, 2, 3, 4};
    return all[SIZE - 1];
}
