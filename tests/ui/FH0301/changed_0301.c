/* changed_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

void fill(fh_mut box *b);
int f(void) {
    box b = {0};
    fill(&b);
    return box_sum(&b); //~ FH0301
}
