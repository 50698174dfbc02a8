/* step_0503.c: deed refuses it as FH0503, arithmetic on a pointer. */
#include "../ui.h"

int f(fh_ref const int *at) {
    int n = *at;
    at++; //~ FH0503
    return n + *at;
}
