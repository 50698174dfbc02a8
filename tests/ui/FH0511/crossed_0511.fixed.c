/* crossed_0511.fixed.c: accepted, the corrected twin of crossed_0511.c. */
#include "../ui.h"

int sum(fh_ref fh_counted(2) const int *at, int count);
int f(fh_ref fh_counted(2) const int *at, int count, fh_ref fh_counted(4) const int *with, int others) {
    return sum(at, count) + sum(with, others);
}
