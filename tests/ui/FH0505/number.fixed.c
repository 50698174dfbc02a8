#include "../ui.h"

struct word {
    fh_ref int *at;
    long n;
};
