/* array_0405.fixed.c: accepted, the corrected twin of array_0405.c. */
#include "../ui.h"

static const int counts[4] = {1, 2, 3, 4};

int first_count(void) {
    return counts[0];
}
