/* owner_0206.fixed.c: accepted, the corrected twin of owner_0206.c. */
#include "../ui.h"

typedef struct reader reader;
fh_owned reader *reader_new(fh_ref tensor *t) fh_view(1);
void reader_free(fh_drop reader *r);

void f(int n) {
    tensor *t = tensor_new(n);
    reader *r = reader_new(t);
    reader_free(r);
    tensor_free(t);
}
