/* result_0603.c: deed refuses it as FH0603, a function in a pointer of another contract. */
#include "../ui.h"

typedef tensor *(*tensor_get)(int n);
tensor_get const get = tensor_new; //~ FH0603
