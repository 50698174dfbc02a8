/* rows_0507.fixed.c: accepted, the corrected twin of rows_0507.c. */
#include "../ui.h"

int f(fh_mut int grid[2][3]);
int g(void) {
    int grid[2][3] = {{1, 2, 3}, {4, 5, 6}};
    return grid[1][2];
}
