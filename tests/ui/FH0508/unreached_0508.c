/* unreached_0508.c: deed refuses it as FH0508, a jump went over a declaration that nothing else reaches. */
#include "../ui.h"

void f(void) {
    goto out;
    tensor *t = NULL;
out:
    tensor_free(t); //~ FH0508
}
