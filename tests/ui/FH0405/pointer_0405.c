/* pointer_0405.c: deed refuses it as FH0405, a variable that threads share and may change. */
#include "../ui.h"

static const char *name = "none"; //~ FH0405

void show(void) {
    look(name);
}
