/* again_0902.fixed.c: accepted, the corrected twin of again_0902.c. */
#include "../ui.h"

void f(int n) {
    while (n > 0)
        n--;
}
