/* result_0601.c: deed refuses it as FH0601, a pointer in a declaration without a contract. */
#include "../ui.h"

tensor *first_of(fh_ref const queue *q); //~ FH0601

int f(fh_ref const queue *q) {
    return tensor_sum(first_of(q));
}
