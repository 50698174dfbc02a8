/* cut_0503.c: deed refuses it as FH0503, arithmetic on a pointer. */
#include "../ui.h"

int sum(fh_ref const int *at, int n);
int f(fh_ref const int *at) {
    return sum(at + 1, 3); //~ FH0503
}
