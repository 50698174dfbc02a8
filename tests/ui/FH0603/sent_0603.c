/* sent_0603.c: deed refuses it as FH0603, a function in a pointer of another contract. */
#include "../ui.h"

void for_each(fh_mut queue *q, void (*give)(fh_move tensor *t));

void f(fh_mut queue *q) {
    for_each(q, thread_give); //~ FH0603
}
