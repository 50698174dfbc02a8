/* rows_0507.c: deed refuses it as FH0507, a constant index outside its array. */
#include "../ui.h"

int f(fh_mut int grid[2][3]);
int g(void) {
    int grid[2][3] = {{1, 2, 3}, {4, 5, 6}};
    return grid[1][3]; //~ FH0507
}
