/* case_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

int f(int n) {
    switch (n) {
        int x;
    case 1:
        x = 1;
        return x;
    default:
        return x; //~ FH0508
    }
}
