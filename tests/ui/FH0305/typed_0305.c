/* typed_0305.c: deed refuses it as FH0305, dropped twice. */
#include "../ui.h"

typedef void ender(fh_drop tensor *t);

void f(fh_move tensor *t) {
    ender *end = tensor_free;
    end(t);
    end(t); //~ FH0305
}
