/* counter_0405.c: deed refuses it as FH0405, a variable that threads share and may change. */
#include "../ui.h"

static int calls; //~ FH0405

int count(void) {
    calls++;
    return calls;
}
