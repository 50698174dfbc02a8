/* array_0203.fixed.c: accepted, the corrected twin of array_0203.c. */
#include "../ui.h"

char f(void) {
    char text[4] = {0};
    return text[1];
}
