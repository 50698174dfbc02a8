/* owner_0505.c: deed refuses it as FH0505, a union with a pointer in it. */
#include "../ui.h"

union slot {
    fh_owned tensor *t; //~ FH0505
    int next_free;
};
