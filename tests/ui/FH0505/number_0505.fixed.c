/* number_0505.fixed.c: accepted, the corrected twin of number_0505.c. */
#include "../ui.h"

struct word {
    fh_ref int *at;
    long n;
};
