/* alias_0103.fixed.c: accepted, the corrected twin of alias_0103.c. */
#include "../ui.h"

struct shelf {
    box *below;
};
void f(fh_mut struct shelf *s, queue *q, int n) {
    box *b = s->below;
    queue_push(q, b->inner);
    s->below->inner = n > 3 ? tensor_new(n) : NULL;
}
