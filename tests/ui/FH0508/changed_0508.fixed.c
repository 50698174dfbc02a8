/* changed_0508.fixed.c: accepted, the corrected twin of changed_0508.c. */
#include "../ui.h"

void count_up(fh_mut int *n);
void add_one(fh_mut box *b);
int f(void) {
    int n = 0;
    box b = {0};
    count_up(&n);
    add_one(&b);
    box_deinit(&b);
    return n;
}
