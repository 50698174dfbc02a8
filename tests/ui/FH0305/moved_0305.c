/* moved_0305.c: deed refuses it as FH0305, dropped twice. */
#include "../ui.h"

void f(queue *q, int n) {
    fh_auto(tensor_clear) tensor *t = tensor_new(n);
    queue_push(q, t);
} //~ FH0305
