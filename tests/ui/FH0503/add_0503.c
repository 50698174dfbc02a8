/* add_0503.c: deed refuses it as FH0503, arithmetic on a pointer. */
#include "../ui.h"

int f(fh_ref const int *at, int i) {
    return *(at + i); //~ FH0503
}
