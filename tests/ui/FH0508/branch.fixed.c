#include "../ui.h"

int f(int n) {
    int x = 0;
    if (n > 3)
        x = n;
    return x;
}
