/* switch_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

int f(int kind) {
    int cost;
    switch (kind) {
    case 1: cost = 3; break;
    case 2: cost = 5; break;
    }
    return cost; //~ FH0508
}
