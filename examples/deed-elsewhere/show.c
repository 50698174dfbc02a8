/* show.c: printing, in a room of its own, since deed does not know what printf does with a pointer. */
#include "show.h"

#include <stdio.h>

void show(fh_ref const char *what, fh_ref const char *text) {
    FH_UNSAFE("texts-end");
    printf("%s: %s\n", what, text);
}
