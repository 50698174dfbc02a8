/* array_0405.c: deed refuses it as FH0405, a variable that threads share and may change. */
#include "../ui.h"

static int counts[4]; //~ FH0405

int first_count(void) {
    return counts[0];
}
