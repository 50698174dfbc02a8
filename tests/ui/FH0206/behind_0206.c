/* behind_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

typedef struct writer {
    tensor *to;
} writer;
void writer_step(fh_mut writer *w);

void f(fh_mut writer *w) {
    const char *name = tensor_name(w->to);
    writer_step(w);
    look(name); //~ FH0206
}
