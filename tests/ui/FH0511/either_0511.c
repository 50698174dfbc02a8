/* either_0511.c: deed refuses it as FH0511, a count that nobody measured. */
#include "../ui.h"

int sum(fh_ref fh_counted(2) const int *at, int count);
int f(_Bool more) {
    int many[4] = {0}, few[2] = {0};
    return sum(more ? many : few, 4); //~ FH0511
}
