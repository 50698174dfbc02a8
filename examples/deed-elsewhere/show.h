/* show.h: the one way to print something, for the program letters. */
#ifndef SHOW_H
#define SHOW_H

#include <freehold/deed.h>

void show(fh_ref const char *what, fh_ref const char *text);

#endif
