/* output_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

typedef struct text {
    fh_ref const char *at;
    int size;
} text;
text text_of(fh_ref const tensor *t);
fh_status text_cut(text from, int n, fh_out text *out);

fh_status f(fh_mut tensor *t) {
    text word;
    FH_TRY(text_cut(text_of(t), 2, &word));
    tensor_grow(t, 3);
    look(word.at); //~ FH0206
    return FH_DONE;
}
