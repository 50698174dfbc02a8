/* result_0206.c: deed refuses it as FH0206, a field of a result looks into what the result looks into. */
#include "../ui.h"

struct part {
    const char *text;
    int size;
};
struct part part_of(fh_ref const tensor *t) fh_view(1);
void f(void) {
    tensor *t = tensor_new(3);
    const char *text = part_of(t).text;
    tensor_grow(t, 4);
    look(text); //~ FH0206
    tensor_free(t);
}
