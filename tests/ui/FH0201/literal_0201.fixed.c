/* literal_0201.fixed.c: accepted, the corrected twin of literal_0201.c. */
#include "../ui.h"

struct pair {
    const int *first, *second;
};
int f(int n) {
    struct pair p = {.first = &n, .second = &n};
    int i = 0;
    for (; i < n; i++)
        p.second = &i;
    return *p.second;
}
