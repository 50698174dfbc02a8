/* nested_0902.fixed.c: accepted, the corrected twin of nested_0902.c. */
#include "../ui.h"

void f(int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) {
        sum += i;
        if (sum == 7)
            break;
    }
}
