/* literal_0201.c: deed refuses it as FH0201, a view outlives what it looks into. */
#include "../ui.h"

int f(void) {
    const box *b = NULL;
    {
        b = &(box){.n = 1};
    }
    return b->n; //~ FH0201
}
