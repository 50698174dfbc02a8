/* result_0603.fixed.c: accepted, the corrected twin of result_0603.c. */
#include "../ui.h"

typedef fh_owned tensor *(*tensor_get)(int n);
tensor_get const get = tensor_new;
