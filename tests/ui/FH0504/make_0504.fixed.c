/* make_0504.fixed.c: accepted, the corrected twin of make_0504.c. */
#include "../ui.h"

void f(fh_ref const tensor *t) {
    tensor_sum(t);
}
