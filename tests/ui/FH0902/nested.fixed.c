#include "../ui.h"

void f(int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) {
        sum += i;
        if (sum == 7)
            break;
    }
}
