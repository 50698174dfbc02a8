/* block_0201.c: deed refuses it as FH0201, a view outlives what it looks into. */
#include "../ui.h"

void f(int n) {
    const char *name = "none";
    if (n > 0) {
        tensor *t = tensor_new(n);
        name = tensor_name(t);
        tensor_free(t);
    }
    look(name); //~ FH0201
}
