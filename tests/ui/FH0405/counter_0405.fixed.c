/* counter_0405.fixed.c: accepted, the corrected twin of counter_0405.c. */
#include "../ui.h"

static _Thread_local int calls;

int count(void) {
    calls++;
    return calls;
}
