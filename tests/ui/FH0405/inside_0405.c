/* inside_0405.c: deed refuses it as FH0405, a variable that threads share and may change. */
#include "../ui.h"

int next_number(void) {
    static int number; //~ FH0405
    return ++number;
}
