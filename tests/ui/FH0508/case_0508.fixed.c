/* case_0508.fixed.c: accepted, the corrected twin of case_0508.c. */
#include "../ui.h"

int f(int n) {
    int x = 0;
    switch (n) {
    case 1:
        x = 1;
        return x;
    default:
        return x;
    }
}
