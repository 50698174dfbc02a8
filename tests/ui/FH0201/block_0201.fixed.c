/* block_0201.fixed.c: accepted, the corrected twin of block_0201.c. */
#include "../ui.h"

void f(int n) {
    const char *name = "none";
    tensor *t = NULL;
    if (n > 0) {
        t = tensor_new(n);
        name = tensor_name(t);
    }
    look(name);
    tensor_free(t);
}
