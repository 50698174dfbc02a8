/* field_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

typedef struct word {
    fh_ref const char *at;
    int n;
} word;
int word_size(fh_ref const word *w);

int f(fh_mut tensor *t) {
    word w = {.at = tensor_name(t), .n = 1};
    tensor_grow(t, 3);
    return word_size(&w); //~ FH0206
}
