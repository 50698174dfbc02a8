/* behind_0206.fixed.c: accepted, the corrected twin of behind_0206.c. */
#include "../ui.h"

typedef struct writer {
    const tensor *to;
} writer;
void writer_step(fh_mut writer *w);

void f(fh_mut writer *w) {
    const char *name = tensor_name(w->to);
    writer_step(w);
    look(name);
}
