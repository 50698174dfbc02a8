/* compare_0501.fixed.c: accepted, the corrected twin of compare_0501.c. */
#include "../ui.h"

int f(fh_ref const box *a, fh_ref const box *b) {
    return a->n == b->n;
}
