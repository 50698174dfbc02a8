/* literal_0203.fixed.c: accepted, the corrected twin of literal_0203.c. */
#include "../ui.h"

const int *f(void) {
    static const int all[] = {1, 2};
    return all;
}
