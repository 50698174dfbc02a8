/* struct_0203.c: deed refuses it as FH0203, a reference to a local leaves its function. */
#include "../ui.h"

struct at {
    const int *p;
    int n;
};
struct at f(int n) {
    int local = n + 1;
    struct at a = {.p = &local, .n = n};
    return a; //~ FH0203
}
