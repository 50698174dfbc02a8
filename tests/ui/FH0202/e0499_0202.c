/* e0499_0202.c: deed refuses it as FH0202, borrowed exclusively and again in one call. */
#include "../ui.h"

void swap(fh_mut tensor *a, fh_mut tensor *b);
void f(fh_mut tensor *t) {
    swap(t, t); //~ FH0202
}
