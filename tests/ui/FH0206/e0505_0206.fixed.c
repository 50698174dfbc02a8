/* e0505_0206.fixed.c: accepted, the corrected twin of e0505_0206.c. */
#include "../ui.h"

void f(queue *q) {
    tensor *t = tensor_new(3);
    const char *name = tensor_name(t);
    look(name);
    queue_push(q, t);
}
