/* literal_0201.fixed.c: accepted, the corrected twin of literal_0201.c. */
#include "../ui.h"

int f(void) {
    const box *b = &(box){.n = 1};
    return b->n;
}
