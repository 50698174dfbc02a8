/* inside_0206.fixed.c: accepted, the corrected twin of inside_0206.c. */
#include "../ui.h"

typedef struct writer {
    fh_mut tensor *out;
    int n;
} writer;
void writer_init(fh_out fh_view(2) writer *w, fh_mut tensor *out);
void writer_put(fh_mut writer *w, int v);
void writer_join(fh_mut writer *w, fh_mut tensor *t);

void by_its_name(fh_mut tensor *t) {
    tensor_grow(t, 1);
    writer w;
    writer_init(&w, t);
    writer *same = &w;
    writer_put(same, 1);
}

void beside_it(fh_mut tensor *t, fh_mut tensor *other) {
    writer w;
    writer_init(&w, t);
    writer_join(&w, other);
}
