/* local_0401.fixed.c: accepted, the corrected twin of local_0401.c. */
#include "../ui.h"

void f(void) {
    tensor *t = tensor_new(3);
    thread_give(t);
}
