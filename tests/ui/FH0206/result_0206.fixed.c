/* result_0206.fixed.c: accepted, the corrected twin of result_0206.c. */
#include "../ui.h"

struct part {
    const char *text;
    int size;
};
struct part part_of(fh_ref const tensor *t) fh_view(1);
void f(void) {
    tensor *t = tensor_new(3);
    tensor_grow(t, 4);
    const char *text = part_of(t).text;
    look(text);
    tensor_free(t);
}
