#include "../ui.h"

fh_owned_or_null tensor *f(queue *q) {
    return queue_pop(q);
}
