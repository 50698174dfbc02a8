/* moved_0305.fixed.c: accepted, the corrected twin of moved_0305.c. */
#include "../ui.h"

void f(queue *q, int n) {
    fh_auto(tensor_clear) tensor *t = tensor_new(n);
    queue_push(q, t);
    t = NULL;
}
