/* negative_0507.c: deed refuses it as FH0507, a constant index outside its array. */
#include "../ui.h"

int f(void) {
    int all[3] = {1, 2, 3};
    return all[-1]; //~ FH0507
}
