/* inside_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

typedef struct writer {
    fh_mut tensor *out;
    int n;
} writer;
void writer_init(fh_out fh_view(2) writer *w, fh_mut tensor *out);
void writer_put(fh_mut writer *w, int v);
void writer_join(fh_mut writer *w, fh_mut tensor *t);

void by_its_name(fh_mut tensor *t) {
    writer w;
    writer_init(&w, t);
    writer *same = &w;
    tensor_grow(t, 1);
    writer_put(same, 1); //~ FH0206
}

void beside_it(fh_mut tensor *t) {
    writer w;
    writer_init(&w, t);
    writer_join(&w, t); //~ FH0206
}
