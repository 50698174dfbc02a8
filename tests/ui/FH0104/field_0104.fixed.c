/* field_0104.fixed.c: accepted, the corrected twin of field_0104.c. */
#include "../ui.h"

void f(queue *q, fh_drop box *b) {
    if (b == NULL)
        return;
    queue_push(q, b->inner);
}
