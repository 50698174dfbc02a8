/* either_0202.c: deed refuses it as FH0202, borrowed exclusively and again in one call. */
#include "../ui.h"

typedef struct writer {
    fh_mut tensor *to;
} writer;
void writer_put(fh_mut writer *w, fh_ref const tensor *t);

void f(fh_mut writer *w, fh_ref tensor *other, int first) {
    writer_put(w, first ? w->to : other); //~ FH0202
}
