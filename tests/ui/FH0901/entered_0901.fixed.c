/* entered_0901.fixed.c: accepted, the corrected twin of entered_0901.c. */
#include "../ui.h"

int f(int n) {
    if (n > 3)
        goto out;
    n++;
out:
    return n;
}
