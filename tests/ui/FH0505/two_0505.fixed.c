/* two_0505.fixed.c: accepted, the corrected twin of two_0505.c. */
#include "../ui.h"

struct both {
    const char *text;
    const int *number;
};
