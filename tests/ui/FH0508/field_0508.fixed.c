/* field_0508.fixed.c: accepted, the corrected twin of field_0508.c. */
#include "../ui.h"

int f(int known) {
    box b;
    b.n = 1;
    b.plain = NULL;
    if (known)
        b.n = 2;
    return b.plain == NULL ? b.n : 0;
}
