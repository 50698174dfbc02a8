/* distance_0503.c: deed refuses it as FH0503, arithmetic on a pointer. */
#include "../ui.h"

long f(fh_ref const char *a, fh_ref const char *b) {
    return b - a; //~ FH0503
}
