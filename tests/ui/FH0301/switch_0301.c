/* switch_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

int f(int kind) {
    tensor *t = tensor_new(kind);
    switch (kind) {
    case 1:
        tensor_free(t);
        return 1;
    case 2:
        return 2; //~ FH0301
    default:
        break;
    }
    tensor_free(t);
    return 0;
}
