#include "../ui.h"

void f(queue *q) {
    (void)queue_pop(q);
}
