/* nested_0505.fixed.c: accepted, the corrected twin of nested_0505.c. */
#include "../ui.h"

struct event {
    int kind;
    struct {
        int key;
        const char *text;
    } u;
};
