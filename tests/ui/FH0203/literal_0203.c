/* literal_0203.c: deed refuses it as FH0203, a reference to a local leaves its function. */
#include "../ui.h"

const int *f(void) {
    return (const int[]){1, 2}; //~ FH0203
}
