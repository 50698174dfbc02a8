/* twice_0305.c: deed refuses it as FH0305, dropped twice. */
#include "../ui.h"

void f(void) {
    tensor *t = tensor_new(3);
    tensor_free(t);
    tensor_free(t); //~ FH0305
}
