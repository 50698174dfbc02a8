/* returned_0401.c: deed refuses it as FH0401, a borrow crosses to another thread. */
#include "../ui.h"

fh_or_null const tensor *f(fh_ref const box *b) fh_view(1);
const tensor *f(fh_ref const box *b) {
    thread_start(0, b->inner); //~ FH0401
    return b->inner;
}
