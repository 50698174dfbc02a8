/* other_count_0511.c: deed refuses it as FH0511, a count that nobody measured. */
#include "../ui.h"

int sum(fh_ref fh_counted(2) const int *at, int count);
int f(fh_ref fh_counted(2) const int *at, int count) {
    count++;
    return sum(at, count); //~ FH0511
}
