/* result_0306.fixed.c: accepted, the corrected twin of result_0306.c. */
#include "../ui.h"

fh_owned tensor *f(int n) {
    if (n > 3)
        return tensor_new(n);
    return tensor_new(3);
}
