/* view_0204.fixed.c: accepted, the corrected twin of view_0204.c. */
#include "../ui.h"

struct job {
    const char *name;
};
void f(fh_mut struct job *j, fh_ref const tensor *t) {
    j->name = tensor_sum(t) > 0 ? "positive" : "other";
}
