/* bytes_0201.c: deed refuses it as FH0201, a view outlives what it looks into. */
#include "../ui.h"

void f(int n) {
    span s = {0};
    if (n > 0) {
        tensor *t = tensor_new(n);
        s = tensor_bytes(t);
        print(s);
        tensor_free(t);
    }
    print(s); //~ FH0201
}
