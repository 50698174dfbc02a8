/* miss_overwritten.c: missed: an assignment to a field of a borrowed struct that may own something already. */
#include "../ui.h"

void f(fh_mut box *b) {
    b->inner = tensor_new(2); //~ FH0302
}
