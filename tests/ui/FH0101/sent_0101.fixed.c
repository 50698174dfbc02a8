/* sent_0101.fixed.c: accepted, the corrected twin of sent_0101.c. */
#include "../ui.h"

int f(int n) {
    tensor *t = tensor_new(n);
    int sum = tensor_sum(t);
    thread_give(t);
    return sum;
}
