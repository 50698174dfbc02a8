/* nested_0505.c: deed refuses it as FH0505, a union with a pointer in it. */
#include "../ui.h"

struct event {
    int kind;
    union {
        int key;
        const char *text; //~ FH0505
    } u;
};
