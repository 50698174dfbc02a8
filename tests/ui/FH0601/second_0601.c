/* second_0601.c: deed refuses it as FH0601, a pointer in a declaration without a contract. */
#include "../ui.h"

int both_sums(fh_ref const tensor *a, tensor *b); //~ FH0601

int f(fh_mut tensor *t, fh_ref const tensor *u) {
    return both_sums(u, t);
}
