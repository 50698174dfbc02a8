/* element_0203.fixed.c: accepted, the corrected twin of element_0203.c. */
#include "../ui.h"

struct pair {
    int at[2];
};
struct pair f(int n) {
    struct pair p = {0};
    p.at[0] = n;
    return p;
}
