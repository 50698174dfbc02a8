/* miss_global.c: missed: a function that is called may change a global that a local looks into. */
#include "../ui.h"

static _Thread_local fh_owned_or_null tensor *kept;
void replace(void);
int f(void) {
    const tensor *t = kept;
    replace();
    return tensor_sum(t); //~ FH0206
}
