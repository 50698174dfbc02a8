/* body_0602.c: deed refuses it as FH0602, declared again with another contract. */
#include "../ui.h"

void end_of(fh_drop tensor *t);

void end_of(fh_move tensor *t) { //~ FH0602
    tensor_free(t);
}
