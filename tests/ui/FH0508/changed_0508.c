/* changed_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

void count_up(fh_mut int *n);
void add_one(fh_mut box *b);
int f(void) {
    int n;
    box b;
    count_up(&n); //~ FH0508
    add_one(&b); //~ FH0508
    box_deinit(&b);
    return n;
}
