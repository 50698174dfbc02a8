/* inside_0405.fixed.c: accepted, the corrected twin of inside_0405.c. */
#include "../ui.h"

int next_number(fh_mut int *number) {
    return ++*number;
}
