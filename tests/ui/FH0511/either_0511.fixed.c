/* either_0511.fixed.c: accepted, the corrected twin of either_0511.c. */
#include "../ui.h"

int sum(fh_ref fh_counted(2) const int *at, int count);
int f(_Bool more) {
    int many[4] = {0}, few[2] = {0};
    return sum(more ? many : few, 2);
}
