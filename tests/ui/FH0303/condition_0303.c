/* condition_0303.c: deed refuses it as FH0303, an owned result is thrown away. */
#include "../ui.h"

int f(queue *q) {
    return queue_pop(q) != NULL; //~ FH0303
}
