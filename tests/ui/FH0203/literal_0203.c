/* literal_0203.c: deed refuses it as FH0203, a reference to a local leaves its function. */
#include "../ui.h"

struct at {
    const int *p;
    int n;
};
struct at f(int n) {
    int local = n + 1;
    return (struct at){.p = &local, .n = n}; //~ FH0203
}
