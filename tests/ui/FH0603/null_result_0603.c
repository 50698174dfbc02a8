/* null_result_0603.c: deed refuses it as FH0603, a function in a pointer of another contract. */
#include "../ui.h"

typedef tensor *(*finder)(int n);

int use(finder find);

int f(void) {
    return use(tensor_try); //~ FH0603
}
