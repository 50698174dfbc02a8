/* kept_0205.fixed.c: accepted, the corrected twin of kept_0205.c. */
#include "../ui.h"

typedef struct reader reader;
void reader_set(fh_mut fh_view(2) reader *r, fh_ref const tensor *t);
fh_owned reader *reader_new(void);

fh_owned reader *reader_of(fh_ref const tensor *t) fh_view(1);
reader *reader_of(const tensor *t) {
    reader *r = reader_new();
    reader_set(r, t);
    return r;
}
