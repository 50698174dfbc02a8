/* changed_0301.fixed.c: accepted, the corrected twin of changed_0301.c. */
#include "../ui.h"

void fill(fh_mut box *b);
int f(void) {
    box b = {0};
    fill(&b);
    int sum = box_sum(&b);
    box_deinit(&b);
    return sum;
}
