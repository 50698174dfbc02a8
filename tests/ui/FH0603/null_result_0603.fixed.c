/* null_result_0603.fixed.c: accepted, the corrected twin of null_result_0603.c. */
#include "../ui.h"

typedef fh_owned_or_null tensor *(*finder)(int n);

int use(finder find);

int f(void) {
    return use(tensor_try);
}
