/* behind_only_0205.fixed.c: accepted, the corrected twin of behind_only_0205.c. */
#include "../ui.h"

typedef struct holder {
    const char *text;
    int n;
} holder;

const int *f(fh_ref const holder *h) fh_view(1) {
    return &h->n;
}
