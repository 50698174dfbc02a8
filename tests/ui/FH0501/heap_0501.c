/* heap_0501.c: deed refuses it as FH0501, a raw memory call. */
#include "../ui.h"

void f(int n) {
    int *all = __builtin_malloc(16); //~ FH0501
    *all = n;
}
