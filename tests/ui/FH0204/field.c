#include "../ui.h"

void f(fh_mut box *b, fh_mut tensor *t) {
    b->plain = t;
}
