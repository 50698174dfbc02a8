/* result_0307.fixed.c: accepted, the corrected twin of result_0307.c. */
#include "../ui.h"

fh_owned_or_null tensor *f(queue *q) {
    return queue_pop(q);
}
