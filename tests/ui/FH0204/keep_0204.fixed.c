/* keep_0204.fixed.c: accepted, the corrected twin of keep_0204.c. */
#include "../ui.h"

typedef struct reader {
    fh_ref tensor *from;
    int n;
} reader;

void reader_set(fh_mut fh_view(2) reader *r, fh_ref tensor *t) {
    r->from = t;
}
