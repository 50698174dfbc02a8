/* try_0307.fixed.c: accepted, the corrected twin of try_0307.c. */
#include "../ui.h"

int f(void) {
    tensor *t = tensor_try(3);
    if (t == NULL)
        return 0;
    int sum = tensor_sum(t);
    tensor_free(t);
    return sum;
}
