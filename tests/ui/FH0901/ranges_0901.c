/* ranges_0901.c: deed refuses it as FH0901, outside the checkable dialect. */
#include "../ui.h"

int f(int n) {
    switch (n) {
    case 1 ... 5: return 1; //~ FH0901
    default: return 0;
    }
}
