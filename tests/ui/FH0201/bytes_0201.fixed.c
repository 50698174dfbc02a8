/* bytes_0201.fixed.c: accepted, the corrected twin of bytes_0201.c. */
#include "../ui.h"

void f(int n) {
    if (n > 0) {
        tensor *t = tensor_new(n);
        span s = tensor_bytes(t);
        print(s);
        tensor_free(t);
    }
}
