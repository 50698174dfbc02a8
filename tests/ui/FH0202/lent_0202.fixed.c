/* lent_0202.fixed.c: accepted: two owners behind one borrow, which look into the same tensor. */
#include "../ui.h"

typedef struct reader reader;
fh_status reader_make(fh_ref const tensor *t, fh_owned fh_view(1) reader **out);
void reader_join(fh_mut reader *to, fh_ref const reader *from);

typedef struct both {
    fh_owned reader *a, *b;
} both;

void both_join(fh_mut both *x);
void both_join(fh_mut both *x) {
    reader_join(x->a, x->b);
}
