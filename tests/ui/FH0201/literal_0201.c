/* literal_0201.c: deed refuses it as FH0201, a view outlives what it looks into. */
#include "../ui.h"

struct pair {
    const int *first, *second;
};
int f(int n) {
    struct pair p = {.first = &n};
    for (int i = 0; i < n; i++)
        p.second = &i;
    return *p.second; //~ FH0201
}
