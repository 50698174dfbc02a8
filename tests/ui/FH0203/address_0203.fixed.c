/* address_0203.fixed.c: accepted, the corrected twin of address_0203.c. */
#include "../ui.h"

int f(int n) {
    int local = n + 1;
    return local;
}
