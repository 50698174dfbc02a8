/* either_0202.fixed.c: accepted, the corrected twin of either_0202.c. */
#include "../ui.h"

typedef struct writer {
    fh_ref tensor *to;
} writer;
void writer_put(fh_mut writer *w, fh_ref const tensor *t);

void f(fh_mut writer *w, fh_ref tensor *other, int first) {
    writer_put(w, first ? w->to : other);
}
