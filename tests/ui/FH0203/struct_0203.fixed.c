/* struct_0203.fixed.c: accepted, the corrected twin of struct_0203.c. */
#include "../ui.h"

struct at {
    const int *p;
    int n;
};
struct at f(int n) {
    static const int one = 1;
    struct at a = {.p = &one, .n = n};
    return a;
}
