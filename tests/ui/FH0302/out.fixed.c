#include "../ui.h"

fh_status f(int n) {
    tensor *t = tensor_new(n);
    tensor_free(t);
    FH_TRY(tensor_make(n, &t));
    tensor_free(t);
    return FH_DONE;
}
