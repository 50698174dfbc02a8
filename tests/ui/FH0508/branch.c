#include "../ui.h"

int f(int n) {
    int x;
    if (n > 3)
        x = n;
    return x;
}
