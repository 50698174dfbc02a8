/* switch_0508.fixed.c: accepted, the corrected twin of switch_0508.c. */
#include "../ui.h"

int f(int kind) {
    int cost;
    switch (kind) {
    case 1: cost = 3; break;
    case 2: cost = 5; break;
    default: cost = 0; break;
    }
    return cost;
}
