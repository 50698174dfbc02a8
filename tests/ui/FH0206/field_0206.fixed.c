/* field_0206.fixed.c: accepted, the corrected twin of field_0206.c. */
#include "../ui.h"

typedef struct word {
    fh_ref const char *at;
    int n;
} word;
int word_size(fh_ref const word *w);

int f(fh_mut tensor *t) {
    word w = {.at = tensor_name(t), .n = 1};
    tensor_grow(t, 3);
    w.at = tensor_name(t);
    return word_size(&w);
}
