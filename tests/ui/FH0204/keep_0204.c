/* keep_0204.c: deed refuses it as FH0204, a borrow is stored where it outlives the call. */
#include "../ui.h"

typedef struct reader {
    fh_ref tensor *from;
    int n;
} reader;

void reader_set(fh_mut reader *r, fh_ref tensor *t) {
    r->from = t; //~ FH0204
}
