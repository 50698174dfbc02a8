/* lent_0202.c: deed refuses it as FH0202, borrowed exclusively and again in one call. */
#include "../ui.h"

typedef struct reader reader;
fh_status reader_make(fh_ref const tensor *t, fh_owned fh_view(1) reader **out);
void reader_join(fh_mut reader *to, fh_ref const reader *from);

typedef struct both {
    fh_owned reader *a, *b;
} both;

void both_join(fh_mut both *x);
void both_join(fh_mut both *x) {
    reader_join(x->a, x->a); //~ FH0202
}
