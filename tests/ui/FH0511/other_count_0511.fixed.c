/* other_count_0511.fixed.c: accepted, the corrected twin of other_count_0511.c. */
#include "../ui.h"

int sum(fh_ref fh_counted(2) const int *at, int count);
int f(fh_ref fh_counted(2) const int *at, int count) {
    return sum(at, count);
}
