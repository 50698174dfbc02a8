/* result_0602.fixed.c: accepted, the corrected twin of result_0602.c. */
#include "../ui.h"

const char *title(fh_ref const tensor *a, fh_ref const tensor *b) fh_view(1);

const char *title(fh_ref const tensor *a, fh_ref const tensor *b) fh_view(1);
