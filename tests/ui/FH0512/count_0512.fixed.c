/* count_0512.fixed.c: accepted, the corrected twin of count_0512.c. */
#include "../ui.h"

struct list {
    int value[8];
    unsigned count;
};
_Bool f(fh_mut struct list *l, int value) {
    unsigned at = l->count;
    if (at >= 8)
        return 0;
    l->value[at] = value;
    l->count = at + 1;
    return 1;
}
