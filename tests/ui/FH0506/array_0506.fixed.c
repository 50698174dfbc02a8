/* array_0506.fixed.c: accepted, the corrected twin of array_0506.c. */
#include "../ui.h"

int f(int n) {
    int all[3] = {0};
    all[0] = n;
    return all[0];
}
