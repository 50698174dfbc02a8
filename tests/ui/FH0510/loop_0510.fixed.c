/* loop_0510.fixed.c: accepted, the corrected twin of loop_0510.c. */
#include "../ui.h"

void f(fh_mut queue *q, int n) {
    for (int i = 0; i < n; i++)
        tensor_free(queue_pop(q));
}
