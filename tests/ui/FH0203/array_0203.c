/* array_0203.c: deed refuses it as FH0203, a reference to a local leaves its function. */
#include "../ui.h"

char *f(void) {
    char text[4] = {0};
    return text; //~ FH0203
}
