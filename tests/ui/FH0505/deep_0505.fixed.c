/* deep_0505.fixed.c: accepted, the corrected twin of deep_0505.c. */
#include "../ui.h"

struct number {
    int kind;
    struct {
        struct {
            long whole;
            const char *digits;
        } as;
    } value;
};
