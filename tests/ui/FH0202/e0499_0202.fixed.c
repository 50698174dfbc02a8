/* e0499_0202.fixed.c: accepted, the corrected twin of e0499_0202.c. */
#include "../ui.h"

void swap(fh_mut tensor *a, fh_mut tensor *b);
void f(fh_mut tensor *t, fh_mut tensor *u) {
    swap(t, u);
}
