#include "../ui.h"

void f(fh_mut box *b, fh_move tensor *t) {
    b->inner = t;
}
