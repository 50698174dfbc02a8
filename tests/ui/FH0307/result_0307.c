/* result_0307.c: deed refuses it as FH0307, a possibly null owner is used without a check. */
#include "../ui.h"

fh_owned tensor *f(queue *q) {
    return queue_pop(q); //~ FH0307
}
