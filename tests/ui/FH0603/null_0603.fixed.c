/* null_0603.fixed.c: accepted, the corrected twin of null_0603.c. */
#include "../ui.h"

fh_or_null const tensor *box_find(fh_ref const box *b) fh_view(1);
typedef fh_or_null const tensor *(*box_getter)(fh_ref const box *b);
box_getter const get = box_find;
