#include "../ui.h"

void f(fh_mut box *b) {
    b->n = 0;
}
