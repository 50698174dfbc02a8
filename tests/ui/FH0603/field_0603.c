/* field_0603.c: deed refuses it as FH0603, a function in a pointer of another contract. */
#include "../ui.h"

typedef struct ops {
    void (*end)(fh_mut tensor *t);
    int (*sum)(fh_ref const tensor *t);
} ops;

int use(fh_ref const ops *o);

int f(void) {
    const ops mine = {.end = tensor_free, .sum = tensor_sum}; //~ FH0603
    return use(&mine);
}
