/* sized_0507.c: deed refuses it as FH0507, a constant index outside its array. */
#include "../ui.h"

int f(void) {
    int all[4] = {1, 2, 3, 4};
    return all[sizeof all]; //~ FH0507
}
