#include "../ui.h"

fh_status f(int n) {
    tensor *t;
    FH_TRY(tensor_make(n, &t));
    FH_TRY(tensor_check(t));
    tensor_free(t);
    return FH_DONE;
}
