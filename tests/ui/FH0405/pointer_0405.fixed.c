/* pointer_0405.fixed.c: accepted, the corrected twin of pointer_0405.c. */
#include "../ui.h"

static const char *const name = "none";

void show(void) {
    look(name);
}
