/* e0505_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

void f(queue *q) {
    tensor *t = tensor_new(3);
    const char *name = tensor_name(t);
    queue_push(q, t);
    look(name); //~ FH0206
}
