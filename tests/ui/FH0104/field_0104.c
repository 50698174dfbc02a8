/* field_0104.c: deed refuses it as FH0104, moved in an earlier round of the loop. */
#include "../ui.h"

void f(queue *q, fh_drop box *b, int n) {
    if (b == NULL)
        return;
    for (int i = 0; i < n; i++)
        queue_push(q, b->inner); //~ FH0104
} //~ FH0301
