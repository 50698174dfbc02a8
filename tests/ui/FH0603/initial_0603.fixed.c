/* initial_0603.fixed.c: accepted, the corrected twin of initial_0603.c. */
#include "../ui.h"

void f(fh_move tensor *t) {
    void (*end)(fh_drop tensor *t) = tensor_free;
    end(t);
}
