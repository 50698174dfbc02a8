/* deep_0103.fixed.c: accepted, the corrected twin of deep_0103.c. */
#include "../ui.h"

struct shelf {
    box *below;
};
void f(fh_mut struct shelf *s, queue *q) {
    queue_push(q, s->below->inner);
    s->below->inner = NULL;
}
