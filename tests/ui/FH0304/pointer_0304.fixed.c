/* pointer_0304.fixed.c: accepted, the corrected twin of pointer_0304.c. */
#include "../ui.h"

void f(fh_owned tensor **at) {
    *at = tensor_new(3);
}
