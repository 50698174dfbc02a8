/* field_0603.fixed.c: accepted, the corrected twin of field_0603.c. */
#include "../ui.h"

typedef struct ops {
    void (*end)(fh_drop tensor *t);
    int (*sum)(fh_ref const tensor *t);
} ops;

int use(fh_ref const ops *o);

int f(void) {
    const ops mine = {.end = tensor_free, .sum = tensor_sum};
    return use(&mine);
}
