/* list_0204.c: deed refuses it as FH0204, a borrow is stored where it outlives the call. */
#include "../ui.h"

struct job {
    const tensor *input;
    int n;
};
void f(fh_mut struct job *j, fh_ref const tensor *t) {
    *j = (struct job){.input = t, .n = 1}; //~ FH0204
}
