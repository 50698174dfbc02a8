/* owner_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

typedef struct reader reader;
fh_owned reader *reader_new(fh_ref tensor *t) fh_view(1);
void reader_free(fh_drop reader *r);

void f(int n) {
    tensor *t = tensor_new(n);
    reader *r = reader_new(t);
    tensor_free(t);
    reader_free(r); //~ FH0206
}
