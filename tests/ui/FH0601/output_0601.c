/* output_0601.c: deed refuses it as FH0601, a pointer in a declaration without a contract. */
#include "../ui.h"

fh_status next_of(fh_mut queue *q, int *count); //~ FH0601

fh_status f(fh_mut queue *q) {
    int n = 0;
    return next_of(q, &n);
}
