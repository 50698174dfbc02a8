/* behind_0202.fixed.c: accepted, the corrected twin of behind_0202.c. */
#include "../ui.h"

typedef struct writer {
    fh_ref tensor *to;
    int n;
} writer;
void writer_put(fh_mut writer *w, fh_ref const tensor *t);

void f(fh_mut writer *w) {
    writer_put(w, w->to);
}
