/* typed_0305.fixed.c: accepted, the corrected twin of typed_0305.c. */
#include "../ui.h"

typedef void ender(fh_drop tensor *t);

void f(fh_move tensor *t) {
    ender *end = tensor_free;
    end(t);
}
