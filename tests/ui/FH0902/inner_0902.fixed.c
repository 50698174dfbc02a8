/* inner_0902.fixed.c: accepted, the corrected twin of inner_0902.c. */
#include "../ui.h"

int f(int n) {
    while (n > 0) {
        n--;
        do {
            n--;
        } while (n == 7);
    }
    return n;
}
