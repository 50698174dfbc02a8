#include "../ui.h"

void f(int n) {
    int p = 0;
    p = n;
}
