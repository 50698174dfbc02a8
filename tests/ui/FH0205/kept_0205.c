/* kept_0205.c: deed refuses it as FH0205, a borrow is returned without a view contract. */
#include "../ui.h"

typedef struct reader reader;
void reader_set(fh_mut fh_view(2) reader *r, fh_ref const tensor *t);
fh_owned reader *reader_new(void);

fh_owned reader *reader_of(fh_ref const tensor *t) {
    reader *r = reader_new();
    reader_set(r, t);
    return r; //~ FH0205
}
