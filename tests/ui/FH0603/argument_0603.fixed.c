/* argument_0603.fixed.c: accepted, the corrected twin of argument_0603.c. */
#include "../ui.h"

void for_each(fh_mut queue *q, void (*visit)(fh_drop tensor *t));

void f(fh_mut queue *q) {
    for_each(q, tensor_free);
}
