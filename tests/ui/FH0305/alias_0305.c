/* alias_0305.c: deed refuses it as FH0305, dropped twice. */
#include "../ui.h"

void f(fh_drop box *b) {
    if (b == NULL)
        return;
    tensor *t = b->inner;
    tensor_free(t);
    tensor_free(b->inner); //~ FH0305
}
