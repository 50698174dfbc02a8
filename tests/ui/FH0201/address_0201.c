/* address_0201.c: deed refuses it as FH0201, a view outlives what it looks into. */
#include "../ui.h"

int f(int n) {
    const int *p = &n;
    {
        int local = 3;
        p = &local;
    }
    return *p; //~ FH0201
}
