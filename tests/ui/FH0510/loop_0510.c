/* loop_0510.c: deed refuses it as FH0510, an unsafe region outside the audited rooms. */
#include "../ui.h"

void f(fh_mut queue *q, int n) {
    for (int i = 0; i < n; i++) {
        FH_UNSAFE("each round"); //~ FH0510
        tensor_free(queue_pop(q));
    }
}
