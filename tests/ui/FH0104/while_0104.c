/* while_0104.c: deed refuses it as FH0104, moved in an earlier round of the loop. */
#include "../ui.h"

int f(int n) {
    tensor *t = tensor_new(3);
    int sum = 0;
    while (n > 0) {
        n = n - 1;
        sum += tensor_sum(t); //~ FH0104
        tensor_free(t);
    }
    return sum; //~ FH0301
}
