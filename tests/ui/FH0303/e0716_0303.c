/* e0716_0303.c: deed refuses it as FH0303, an owned result is thrown away. */
#include "../ui.h"

void f(void) {
    const char *name = tensor_name(tensor_new(3)); //~ FH0303
    look(name);
}
