/* statement_0303.c: deed refuses it as FH0303, an owned result is thrown away. */
#include "../ui.h"

void f(void) {
    tensor_new(3); //~ FH0303
}
