/* counted_0507.c: deed refuses it as FH0507, a constant index outside its array. */
#include "../ui.h"

enum { SIZE = 4 };
int f(void) {
    int all[SIZE] = {1, 2, 3, 4};
    return all[SIZE]; //~ FH0507
}
