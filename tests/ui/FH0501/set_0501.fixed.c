/* set_0501.fixed.c: accepted, the corrected twin of set_0501.c. */
#include "../ui.h"

void f(fh_mut box *b) {
    b->n = 0;
}
