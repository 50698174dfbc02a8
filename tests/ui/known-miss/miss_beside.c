/* miss_beside.c: missed: an owner in a borrowed struct looks into what a mutable borrow beside it leads to. */
#include "../ui.h"

typedef struct reader reader;
fh_owned reader *reader_new(fh_ref const tensor *t) fh_view(1);
void reader_use(fh_ref const reader *r);

typedef struct pair {
    fh_mut tensor *of;
    fh_owned reader *reader;
} pair;
void pair_grow(fh_mut pair *p);

void f(fh_mut pair *p) {
    p->reader = reader_new(p->of);
    pair_grow(p);
    reader_use(p->reader); //~ FH0206
}
