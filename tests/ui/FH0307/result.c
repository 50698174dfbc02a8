#include "../ui.h"

fh_owned tensor *f(queue *q) {
    return queue_pop(q);
}
