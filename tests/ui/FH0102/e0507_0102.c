/* e0507_0102.c: deed refuses it as FH0102, move out of a borrow. */
#include "../ui.h"

fh_owned_or_null tensor *f(fh_ref const box *b) {
    return b->inner; //~ FH0102
}
