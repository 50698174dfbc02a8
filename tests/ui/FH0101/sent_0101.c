/* sent_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

int f(int n) {
    tensor *t = tensor_new(n);
    thread_give(t);
    return tensor_sum(t); //~ FH0101
}
