/* address_0305.c: deed refuses it as FH0305, dropped twice. */
#include "../ui.h"

void f(int n) {
    tensor *t = tensor_new(n);
    tensor **at = &t;
    tensor_free(*at);
    tensor_free(t); //~ FH0305
}
