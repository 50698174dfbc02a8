/* view_0204.c: deed refuses it as FH0204, a borrow is stored where it outlives the call. */
#include "../ui.h"

struct job {
    const char *name;
};
void f(fh_mut struct job *j, fh_ref const tensor *t) {
    j->name = tensor_name(t); //~ FH0204
}
