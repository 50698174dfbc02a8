/* miss_read.c: missed: a mutable borrow, read out of a local through another borrow, leads to what has changed since. */
#include "../ui.h"

typedef struct holder {
    tensor *to;
} holder;

void f(fh_mut tensor *t) {
    holder h = {0};
    h.to = t;
    const holder *seen = &h;
    const char *name = tensor_name(seen->to);
    tensor_grow(t, 9);
    look(name); //~ FH0206
}
