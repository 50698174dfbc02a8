/* result_0602.c: deed refuses it as FH0602, declared again with another contract. */
#include "../ui.h"

const char *title(fh_ref const tensor *a, fh_ref const tensor *b) fh_view(1);

const char *title(fh_ref const tensor *a, fh_ref const tensor *b) fh_view(2); //~ FH0602
