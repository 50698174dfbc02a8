/* cast_0303.c: deed refuses it as FH0303, an owned result is thrown away. */
#include "../ui.h"

void f(queue *q) {
    (void)queue_pop(q); //~ FH0303
}
