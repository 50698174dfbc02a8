/* goto_0305.c: deed refuses it as FH0305, dropped twice. */
#include "../ui.h"

fh_status f(int n) {
    tensor *t = tensor_new(n);
    fh_status s = tensor_check(t);
    if (s.code != FH_OK) {
        tensor_free(t);
        goto out;
    }
    tensor_grow(t, 3);
out:
    tensor_free(t); //~ FH0305
    return s;
}
