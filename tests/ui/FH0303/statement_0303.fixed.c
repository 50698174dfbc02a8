/* statement_0303.fixed.c: accepted, the corrected twin of statement_0303.c. */
#include "../ui.h"

void f(void) {
    tensor_free(tensor_new(3));
}
