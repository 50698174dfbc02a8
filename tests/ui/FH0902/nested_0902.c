/* nested_0902.c: deed refuses it as FH0902, a jump backwards. */
#include "../ui.h"

void f(int n) {
    int sum = 0;
next:
    for (int i = 0; i < n; i++) {
        sum += i;
        if (sum == 7)
            goto next; //~ FH0902
    }
}
