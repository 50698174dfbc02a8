/* assigned_0603.fixed.c: accepted, the corrected twin of assigned_0603.c. */
#include "../ui.h"

typedef void (*tensor_end)(fh_drop tensor *t);
void tensor_show(fh_mut tensor *t);

void f(fh_move tensor *t) {
    tensor_end end = tensor_free;
    end = tensor_free;
    end(t);
}
