/* element_0204.c: deed refuses it as FH0204, a borrow is stored where it outlives the call. */
#include "../ui.h"

struct shelf {
    const char *names[4];
};
void f(fh_mut struct shelf *s, fh_ref const tensor *t) {
    s->names[0] = tensor_name(t); //~ FH0204
}
