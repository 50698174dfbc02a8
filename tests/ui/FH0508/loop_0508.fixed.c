/* loop_0508.fixed.c: accepted, the corrected twin of loop_0508.c. */
#include "../ui.h"

int f(int n) {
    int last = 0;
    for (int i = 0; i < n; i++)
        last = i;
    return last;
}
