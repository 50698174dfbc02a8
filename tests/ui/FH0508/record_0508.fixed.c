/* record_0508.fixed.c: accepted, the corrected twin of record_0508.c. */
#include "../ui.h"

int f(int n) {
    box b = {0}, c = {0};
    if (n > 3)
        return box_sum(&c);
    box_deinit(&b);
    return n;
}
