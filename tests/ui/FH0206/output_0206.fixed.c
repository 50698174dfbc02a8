/* output_0206.fixed.c: accepted, the corrected twin of output_0206.c. */
#include "../ui.h"

typedef struct text {
    fh_ref const char *at;
    int size;
} text;
text text_of(fh_ref const tensor *t);
fh_status text_cut(text from, int n, fh_out text *out);

fh_status f(fh_mut tensor *t) {
    text word;
    tensor_grow(t, 3);
    FH_TRY(text_cut(text_of(t), 2, &word));
    look(word.at);
    return FH_DONE;
}
