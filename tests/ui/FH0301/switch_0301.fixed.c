/* switch_0301.fixed.c: accepted, the corrected twin of switch_0301.c. */
#include "../ui.h"

int f(int kind) {
    tensor *t = tensor_new(kind);
    switch (kind) {
    case 1:
        tensor_free(t);
        return 1;
    case 2:
        tensor_free(t);
        return 2;
    default:
        break;
    }
    tensor_free(t);
    return 0;
}
