#include "../ui.h"

void f(int n) {
    int *p = __builtin_alloca(8);
    *p = n;
}
