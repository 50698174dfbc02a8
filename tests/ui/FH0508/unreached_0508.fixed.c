/* unreached_0508.fixed.c: accepted, the corrected twin of unreached_0508.c. */
#include "../ui.h"

void f(void) {
    tensor *t = NULL;
    goto out;
out:
    tensor_free(t);
}
