/* e0621_0204.c: deed refuses it as FH0204, a borrow is stored where it outlives the call. */
#include "../ui.h"

struct reader {
    const tensor *from;
};
void f(fh_mut struct reader *r, fh_ref const tensor *t) {
    r->from = t; //~ FH0204
}
