/* moved_0603.c: deed refuses it as FH0603, a function in a pointer of another contract. */
#include "../ui.h"

void each_owned(fh_mut queue *q, void (*take)(fh_move tensor *t));

void f(fh_mut queue *q) {
    each_owned(q, tensor_free); //~ FH0603
}
