#include "../ui.h"

void f(int n) {
again:
    n--;
    if (n > 0)
        goto again;
}
