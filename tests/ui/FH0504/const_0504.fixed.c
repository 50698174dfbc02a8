/* const_0504.fixed.c: accepted, the corrected twin of const_0504.c. */
#include "../ui.h"

void f(fh_mut tensor *t) {
    tensor *mine = t;
    tensor_grow(mine, 3);
}
