/* element_0203.c: deed refuses it as FH0203, a reference to a local leaves its function. */
#include "../ui.h"

struct pair {
    const int *at[2];
};
struct pair f(int n) {
    struct pair p = {0};
    p.at[0] = &n;
    return p; //~ FH0203
}
