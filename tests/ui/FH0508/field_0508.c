/* field_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

int f(int known) {
    box b;
    b.n = 1;
    if (known)
        b.plain = NULL;
    return b.plain == NULL ? b.n : 0; //~ FH0508
}
