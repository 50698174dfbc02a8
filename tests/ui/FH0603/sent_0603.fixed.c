/* sent_0603.fixed.c: accepted, the corrected twin of sent_0603.c. */
#include "../ui.h"

void for_each(fh_mut queue *q, void (*give)(fh_send fh_move tensor *t));

void f(fh_mut queue *q) {
    for_each(q, thread_give);
}
