/* moved_0603.fixed.c: accepted, the corrected twin of moved_0603.c. */
#include "../ui.h"

void each_owned(fh_mut queue *q, void (*take)(fh_drop tensor *t));

void f(fh_mut queue *q) {
    each_owned(q, tensor_free);
}
