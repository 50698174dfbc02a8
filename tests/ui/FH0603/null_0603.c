/* null_0603.c: deed refuses it as FH0603, the pointer promises a result that is not NULL. */
#include "../ui.h"

fh_or_null const tensor *box_find(fh_ref const box *b) fh_view(1);
typedef const tensor *(*box_getter)(fh_ref const box *b);
box_getter const get = box_find; //~ FH0603
