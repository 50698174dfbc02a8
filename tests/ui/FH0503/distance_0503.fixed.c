/* distance_0503.fixed.c: accepted, the corrected twin of distance_0503.c. */
#include "../ui.h"

int f(fh_ref const char *a, fh_ref const char *b) {
    return *b - *a;
}
