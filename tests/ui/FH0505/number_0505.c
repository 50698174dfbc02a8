/* number_0505.c: deed refuses it as FH0505, a union with a pointer in it. */
#include "../ui.h"

union word {
    int *at; //~ FH0505
    long n;
};
