/* write_0207.fixed.c: accepted, the corrected twin of write_0207.c. */
#include "../ui.h"

void f(fh_mut box *b) {
    b->n = 3;
}
