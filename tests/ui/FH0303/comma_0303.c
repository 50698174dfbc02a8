/* comma_0303.c: deed refuses it as FH0303, an owned result is thrown away. */
#include "../ui.h"

int f(queue *q, int n) {
    return (queue_pop(q), n); //~ FH0303
}
