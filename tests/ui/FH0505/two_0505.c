/* two_0505.c: deed refuses it as FH0505, a union with a pointer in it. */
#include "../ui.h"

union both {
    const char *text; //~ FH0505
    const int *number; //~ FH0505
};
