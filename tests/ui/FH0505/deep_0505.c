/* deep_0505.c: deed refuses it as FH0505, a union with a pointer in it. */
#include "../ui.h"

struct number {
    int kind;
    struct {
        union {
            long whole;
            const char *digits; //~ FH0505
        } as;
    } value;
};
