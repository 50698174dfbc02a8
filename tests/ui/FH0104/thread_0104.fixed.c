/* thread_0104.fixed.c: accepted, the corrected twin of thread_0104.c. */
#include "../ui.h"

void f(int n) {
    while (n-- > 0)
        thread_give(tensor_new(n));
}
